"""The four objectives of a window, from append-only rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from sync_core.config import Settings


@dataclass(frozen=True)
class Worst:
    """The shop behind a figure. `seconds`: how long it took or waits."""

    shop_id: str
    domain: str
    name: str
    seconds: float


@dataclass(frozen=True)
class Budget:
    """Over the 90 days before the window's end: how many of `n` may fail, and how many did."""

    n: int
    allowed: int
    spent: int

    @property
    def left(self) -> int:
        return self.allowed - self.spent


@dataclass(frozen=True)
class Share:
    """`k` good of `n`. `value`, `low`, `high` are shares in 0..1, None when n is 0."""

    target: float
    k: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    verdict: str
    needed: int | None
    """With no further failure: at how many judged ones the target is promised; None when it never is."""
    budget: Budget | None = None
    worst: Worst | None = None


@dataclass(frozen=True)
class SyncSuccess:
    all: Share
    addressable: Share
    first_attempt: Share
    unjudged: int
    """Installs of the window younger than their deadline."""


@dataclass(frozen=True)
class PickUp:
    all: Share
    overdue_now: int
    late: tuple[Worst, ...]
    """Each miss named, worst first, at most 20."""


@dataclass(frozen=True)
class Times:
    """Seconds. Percentiles and share count those still waiting at their present age."""

    n: int
    finished: int
    waiting: int
    mean: float | None
    restricted_mean: float | None
    low: float | None
    high: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    under_target: int
    share_under_target: float | None
    verdict: str


@dataclass(frozen=True)
class TimeToSync:
    target_seconds: int
    all: Times
    by_path: dict[str, Times]
    worst: Worst | None
    negative: int
    """Installs whose data arrived before they were installed: a clock or data error, in no figure."""


@dataclass(frozen=True)
class SweepSuccess:
    all: Share
    missed: int
    failed: int


@dataclass(frozen=True)
class Ledger:
    """Every install of the window in exactly one class."""

    installs: int
    classes: dict[str, int]

    @property
    def gap(self) -> int:
        return self.installs - sum(self.classes.values())


@dataclass(frozen=True)
class Objectives:
    since: datetime
    until: datetime
    sync_success: SyncSuccess
    pick_up: PickUp
    time_to_sync: TimeToSync
    sweep_success: SweepSuccess
    ledger: Ledger


def objectives(session: Session, *, since: datetime, until: datetime, now: datetime, settings: Settings) -> Objectives:
    """The four objectives and the ledger of [since, until), judged as of `now`."""
    raise NotImplementedError


def as_json(figures: Objectives) -> dict[str, Any]:
    """The object of `GET /api/health` and `shopsync health --json`."""
    raise NotImplementedError
