"""A day of a fleet on a clock of its own, over the real verbs: installs, browsers, failures, an outage, two bursts.

Nothing here knows the estimates; they are kept by the product's own chore, as in a process.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import func, select, update

from sync_core import install, lifecycle, sweep
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.dispatch import OLDEST_EVERY
from sync_core.errors import Unavailable
from sync_core.estimates import keep_book
from sync_core.lifecycle import Claim, Usage
from sync_core.models import Heartbeat, ShopSync
from sync_core.states import RESERVED_SHARE, Status, Trigger
from sync_core.vault import open_vault
from tests.conftest import Clock

CHORES = timedelta(seconds=20)
INSTALLS = 300
BURSTS = ((12, 70, 60), (18, 50, 120))
"""(hour, installs, seconds)"""
OUTAGE = (timedelta(hours=9), timedelta(hours=9, minutes=15))
BROWSERS, FAILS = 0.85, 0.05


@dataclass
class Day:
    """`settings.workers` threads' worth of claims. Call `live`."""

    database: Database
    settings: Settings
    clock: Clock
    seed: int
    running: dict[str, Claim] = field(default_factory=dict)
    claimed: int = 0
    _events: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.start = self.clock.moment
        self.vault = open_vault(self.settings)

    def live(self, length: timedelta = timedelta(days=1)) -> None:
        """Everything that happens in so long, in the order of time."""
        self._plan_installs(length)
        self._at(self.start, self._chores)
        self._at(self._next_slot(), self._tick)
        while (moment := min(self._events[0][0], self._next_wake())) < self.start + length:
            self.clock.moment = moment
            while self._events[0][0] <= moment:
                heapq.heappop(self._events)[2]()
            self._claim()

    def _at(self, moment: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), act))

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        self._at(self.clock.moment + timedelta(seconds=seconds), act)

    def _plan_installs(self, length: timedelta) -> None:
        moments = [self.random.uniform(0, length.total_seconds()) for _ in range(INSTALLS)]
        for hour, installs, seconds in BURSTS:
            moments += [hour * 3600 + self.random.uniform(0, seconds) for _ in range(installs)]
        for number, seconds in enumerate(moments):
            self._at(self.start + timedelta(seconds=seconds), lambda number=number: self._install(number))  # type: ignore[misc]

    def _install(self, number: int) -> None:
        now = self.clock.moment
        with self.database.write() as session:
            own: dict[str, Any] = {"settings": self.settings, "vault": self.vault}
            domain = f"shop-{number}.myshopify.com"
            done = install.register(session, domain=domain, pair=TokenPair("t"), authorised_at=now, now=now, **own)
        if self.random.random() < BROWSERS:
            self._after(self.random.uniform(1, 4), lambda: self._browser(done.shop_id))

    def _browser(self, shop_id: str) -> None:
        with self.database.write() as session:
            lifecycle.request(session, shop_id, trigger=Trigger.ONBOARDING, now=self.clock.moment)

    def _claim(self) -> None:
        free = self.settings.workers - len(self.running)
        if free <= 0:
            return
        oldest = (self.claimed + free) // OLDEST_EVERY - self.claimed // OLDEST_EVERY
        own: dict[str, Any] = {"owner": "day", "limit": free, "oldest": oldest, "rescues": free}
        with self.database.write() as session:
            reserve = self.settings.workers // RESERVED_SHARE
            now = self.clock.moment
            claims = lifecycle.claim(session, now=now, settings=self.settings, reserve=reserve, **own)
        self.claimed += len(claims)
        for claim in claims:
            self.running[claim.shop_id] = claim
            self._plan_end(claim)

    def _plan_end(self, claim: Claim) -> None:
        out = OUTAGE[0] <= self.clock.moment - self.start < OUTAGE[1]
        if out or self.random.random() < FAILS:
            self._after(self.random.uniform(2, 30), lambda: self._end(claim, fails=True))
        else:
            self._after(min(600.0, self.random.lognormvariate(3.4, 0.6)), lambda: self._end(claim, fails=False))

    def _end(self, claim: Claim, *, fails: bool) -> None:
        self.running.pop(claim.shop_id)
        own: dict[str, Any] = {"now": self.clock.moment, "settings": self.settings}
        with self.database.write() as session:
            if fails:
                lifecycle.fail(session, claim, error=Unavailable("503"), **own)
            else:
                lifecycle.complete(session, claim, cursor={}, progress={}, held={}, usage=Usage(1), **own)

    def _tick(self) -> None:
        sweep.tick(self.database, by="day", settings=self.settings, vault=self.vault)
        self._at(self._next_slot(), self._tick)

    def _chores(self) -> None:
        """A sign of life, the leases, the estimates."""
        now, workers = self.clock.moment, self.settings.workers
        beat = {"process": "scheduler@day:1", "role": "scheduler", "host": "day", "pid": 1, "version": "1"}
        with self.database.write() as session:
            seen = update(Heartbeat).values(seen_at=now)
            if not session.execute(seen, execution_options={"synchronize_session": False}).rowcount:  # type: ignore[attr-defined]
                session.add(Heartbeat(**beat, started_at=self.start, seen_at=now, workers=workers))
            for claim in self.running.values():
                lifecycle.renew(session, claim, progressed_at=now, now=now, settings=self.settings)
        keep_book(self.database, self.settings)
        self._at(now + CHORES, self._chores)

    def _next_slot(self) -> datetime:
        period = self.settings.sweep_period_seconds
        return datetime.fromtimestamp((self.clock.moment.timestamp() // period + 1) * period, self.start.tzinfo)

    def _next_wake(self) -> datetime:
        """When the next shop may be claimed; far away while every worker is busy."""
        if len(self.running) >= self.settings.workers:
            return self.start + timedelta(days=99)
        query = select(func.min(ShopSync.wake_at)).where(ShopSync.status != Status.IN_PROGRESS.value)
        with self.database.read() as session:
            wake_at = session.execute(query.where(ShopSync.wake_at > self.clock.moment)).scalar_one()
        return wake_at or self.start + timedelta(days=99)
