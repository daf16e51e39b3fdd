"""Another clock for one process: steps of the host's clock, and the hour that summer time takes back.

`CLOCK_STEPS=after:seconds[,after:seconds…]`: so many seconds after the start, the clock is off by so much.
`ZONES=after:zone[,…]`: the process's time zone becomes that one, as when summer time begins or ends.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping

import time_machine


def arm(environment: Mapping[str, str]) -> None:
    """Start what these variables ask for; nothing without them."""
    time.tzset()
    for name, act in (("CLOCK_STEPS", _step), ("ZONES", _move)):
        if plan := environment.get(name):
            threading.Thread(target=_follow, args=(plan, act), name=name, daemon=True).start()


def _follow(plan: str, act: Callable[[str], None]) -> None:
    begun = time.monotonic()
    for item in plan.split(","):
        after, _, value = item.partition(":")
        time.sleep(max(0.0, begun + float(after) - time.monotonic()))
        act(value)


_travels: list[time_machine.travel] = []


def _step(seconds: str) -> None:
    """From now on the clock is off by so much, and runs on. It is the true clock again at 0."""
    while _travels:
        _travels.pop().stop()
    if float(seconds):
        _travels.append(time_machine.travel(time.time() + float(seconds), tick=True))
        _travels[-1].start()


def _move(zone: str) -> None:
    os.environ["TZ"] = zone
    time.tzset()
