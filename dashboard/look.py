"""What Overview asks about a window: in one transaction, so that its figures agree and share what they have read.

A part that takes too long is given up and stands there as TooSlow; the others are asked in a transaction after it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy.orm import Session

from sync_core import health
from sync_core.config import Settings
from sync_core.errors import TooSlow
from sync_core.health import Step

FEW = 200
"""Under so many installs in a window each is a dot: a rate of so few would draw noise."""
DAY, QUARTER = timedelta(hours=24), timedelta(days=90)

Reading = Callable[[], AbstractContextManager[tuple[Session, datetime]]]


@dataclass(frozen=True)
class Look:
    """What was found. Errors of each part: TooSlow, when it was given up."""

    parts: dict[str, Any] = field(default_factory=dict)

    def _part(self, name: str) -> Any:
        found = self.parts[name]
        if isinstance(found, TooSlow):
            raise TooSlow(str(found))
        return found

    @property
    def objectives(self) -> health.Objectives:
        """The objectives and the ledger of the window that ended when it was asked."""
        found: health.Objectives = self._part("objectives")
        return found

    @property
    def few(self) -> bool:
        """Whether each install is shown by itself."""
        return self.objectives.ledger.installs < FEW

    @property
    def few_lost(self) -> bool:
        """Whether each shop of the quarter that had no data in time is shown by itself."""
        budget = self.objectives.sync_success.all.budget
        return budget is None or budget.spent < FEW

    @property
    def points(self) -> tuple[health.Point, ...]:
        """The steps of the window; empty where installs are few."""
        found: tuple[health.Point, ...] = self._part("points")
        return found

    @property
    def installs(self) -> pd.DataFrame:
        """The installs of the window; None where they are many."""
        found: pd.DataFrame = self._part("installs")
        return found

    @property
    def pickups(self) -> pd.DataFrame:
        """How long each of them waited; None where they are many."""
        found: pd.DataFrame = self._part("pickups")
        return found

    @property
    def losses(self) -> pd.DataFrame:
        """The installs of the quarter without data in time, one by one or by day."""
        found: pd.DataFrame = self._part("losses")
        return found

    @property
    def failures(self) -> pd.DataFrame:
        """The failed tries of the window by cause."""
        found: pd.DataFrame = self._part("failures")
        return found

    @property
    def browser(self) -> health.BrowserPath:
        """How many syncs the merchants' browsers started."""
        found: health.BrowserPath = self._part("browser")
        return found


@dataclass(frozen=True)
class _Asking:
    """One transaction's way to ask."""

    books: health.Books
    now: datetime
    window: timedelta
    zone: ZoneInfo
    settings: Settings

    @property
    def whole(self) -> dict[str, Any]:
        return {"since": self.now - self.window, "until": self.now}

    @property
    def quarter(self) -> dict[str, Any]:
        return {"since": self.now - QUARTER, "until": self.now}


def _objectives(at: _Asking, _look: Look) -> Any:
    return health.objectives(at.books, now=at.now, settings=at.settings, **at.whole)


def _points(at: _Asking, look: Look) -> Any:
    step = Step.HOUR if at.window <= DAY else Step.DAY
    own: dict[str, Any] = {"settings": at.settings, "step": step, "zone": at.zone}
    return () if look.few else health.series(at.books, now=at.now, **own, **at.whole)


def _installs(at: _Asking, look: Look) -> Any:
    return health.installs(at.books.session, now=at.now, **at.whole) if look.few else None


def _pickups(at: _Asking, look: Look) -> Any:
    return health.pickups(at.books.session, **at.whole) if look.few else None


def _losses(at: _Asking, look: Look) -> Any:
    if look.few_lost:
        return health.losses(at.books.session, **at.quarter)
    return health.losses_by_day(at.books, now=at.now, zone=at.zone, **at.quarter)


def _failures(at: _Asking, _look: Look) -> Any:
    return health.failures(at.books, **at.whole)


def _browser(at: _Asking, _look: Look) -> Any:
    return health.browser_path(at.books, now=at.now)


PARTS: dict[str, Callable[[_Asking, Look], Any]] = {
    "objectives": _objectives,
    "points": _points,
    "installs": _installs,
    "pickups": _pickups,
    "losses": _losses,
    "failures": _failures,
    "browser": _browser,
}


def look(reading: Reading, *, window: timedelta, zone: ZoneInfo, settings: Settings, memory: health.Memory) -> Look:
    """Every part of the window that ends now. `reading`: opens a transaction that is given up after a while.

    Errors: database errors pass through.
    """
    found = Look()
    while missing := [name for name in PARTS if name not in found.parts]:
        try:
            with reading() as (session, now):
                asking = _Asking(health.books(session, memory), now, window, zone, settings)
                for name in missing:
                    found.parts[name] = PARTS[name](asking, found)
        except TooSlow as slow:
            found.parts[next(name for name in missing if name not in found.parts)] = slow
    return found
