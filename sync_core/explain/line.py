"""When shops that wait are started: who is before whom, which workers are free, when the next check comes. Pure.

A model of the claim loop and of the sweep: each free worker takes the most urgent shop that is awake, the
longest awake first; some workers are kept for first syncs and what people ask for; a check under the classic
profile wakes so many shops, the longest due first. What nobody can know is left out: who will ask meanwhile.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sync_core.states import Priority


@dataclass(frozen=True)
class Place:
    """A shop in the line. `ready_at`: awake from then on; asleep: due from then on, and a check must wake it."""

    shop_id: str
    priority: int
    ready_at: datetime
    asleep: bool = False

    @property
    def turn(self) -> tuple[int, datetime, str]:
        """Smaller is taken first among those that are ready."""
        return self.priority, self.ready_at, self.shop_id


@dataclass(frozen=True)
class Workers:
    """`free_at`: when each worker is free, one entry each; `reserved`: so many are kept for the most urgent."""

    free_at: tuple[datetime, ...]
    reserved: int
    run: timedelta
    """How long a sync takes, on average."""


@dataclass(frozen=True)
class Rounds:
    """The checks to come: the first, the time between two, and how many shops one may wake (None: all)."""

    first: datetime
    period: timedelta
    batch: int | None


def starts(places: Iterable[Place], workers: Workers, rounds: Rounds | None) -> dict[str, datetime]:
    """Shop → when a worker takes it. Without workers nobody is started; without rounds nobody who sleeps is."""
    line = list(places)
    awake = [place for place in line if not place.asleep]
    asleep = [place for place in line if place.asleep]
    woken = _woken(asleep, rounds) if rounds else []
    return _taken(awake + woken, workers) if workers.free_at else {}


def _woken(asleep: list[Place], rounds: Rounds) -> list[Place]:
    """The same shops awake, each at the check that wakes it."""
    waiting, at = sorted(asleep, key=lambda place: (place.ready_at, place.shop_id)), rounds.first
    woken: list[Place] = []
    while len(woken) < len(waiting):
        due = [place for place in waiting[len(woken) :][: rounds.batch] if place.ready_at <= at]
        woken += [replace(place, ready_at=at, asleep=False) for place in due]
        nobody = not due and len(woken) < len(waiting)
        behind = (waiting[len(woken)].ready_at - at) // rounds.period if nobody else 0
        at += max(1, behind) * rounds.period
    return woken


def _taken(awake: list[Place], workers: Workers) -> dict[str, datetime]:
    """Who is taken when; a worker that takes a shop is free again a sync later."""
    free, taken = sorted(workers.free_at), {}
    coming = sorted(awake, key=lambda place: (place.ready_at, place.turn), reverse=True)
    first: list[tuple[tuple[int, datetime, str], Place]] = []
    others: list[tuple[tuple[int, datetime, str], Place]] = []
    kept = min(workers.reserved, len(free) - 1)
    while coming or first or others:
        queue, at = min(((first, free[0]), (others, free[kept])), key=lambda each: (not each[0], each[1]))
        if coming and (not queue or coming[-1].ready_at <= at):
            place = coming.pop()
            heapq.heappush(first if place.priority == Priority.FIRST else others, (place.turn, place))
            continue
        _, place = heapq.heappop(queue)
        taken[place.shop_id] = max(at, place.ready_at)
        free.pop(0)
        insort(free, taken[place.shop_id] + workers.run)
    return taken
