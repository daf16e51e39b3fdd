"""Crash points: the borders of transactions at which a fault run kills or pauses this process.

`CRASH_AT=name[:n]` sends SIGKILL to this process at the n-th passing of the point, `PAUSE_AT=name[:n]`
sends SIGSTOP. Neither is a setting: nobody who runs the product should meet them. Unset, a point
costs one look-up in an empty dictionary.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from sync_core.errors import BadSetting

POINTS = {
    "after_claim": "claims are committed, nothing runs yet",
    "after_dispatch": "a claimed run has its thread",
    "after_fetch": "a page is fetched, not stored",
    "after_guard": "inside a page's transaction, between the guard and the rows",
    "bulk_submitted": "Shopify runs a bulk operation, its id is not stored",
    "after_page": "a page is committed",
    "before_complete": "all is stored, the end is not booked",
    "after_complete": "the end is committed",
    "in_fail": "inside the transaction that books a failure",
    "in_release": "inside the transaction that gives a claim back",
    "callback_exchanged": "Shopify gave a token, nothing is stored",
    "sweep_booked": "the slot is booked, no request is opened",
    "token_stored": "inside the transaction that stores a refreshed token",
}
"""Each point, and what is true there."""

SIGNALS = {"CRASH_AT": signal.SIGKILL, "PAUSE_AT": signal.SIGSTOP}


@dataclass
class Trap:
    """Sends `number` to this process at the `at`-th passing, once."""

    number: signal.Signals
    at: int
    passings: Iterator[int] = field(default_factory=lambda: count(1))

    def step(self) -> None:
        if next(self.passings) == self.at:
            os.kill(os.getpid(), self.number)


_traps: dict[str, list[Trap]] = {}


def point(name: str) -> None:
    """Pass a crash point: nothing happens unless the environment armed it."""
    for trap in _traps.get(name, ()):
        trap.step()


def arm(environment: Mapping[str, str]) -> None:
    """Set the traps that these variables name, and no others. Errors: BadSetting."""
    _traps.clear()
    for variable, number in SIGNALS.items():
        if value := environment.get(variable):
            name, at = _read(variable, value)
            _traps.setdefault(name, []).append(Trap(number, at))


def _read(variable: str, value: str) -> tuple[str, int]:
    name, _, at = value.partition(":")
    if name not in POINTS or not (at or "1").isdecimal():
        raise BadSetting(f"{variable} is {value!r}: expected name[:n], a name of {', '.join(POINTS)}")
    return name, int(at or "1")


arm(os.environ)
