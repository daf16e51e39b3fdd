"""The fleet at this moment: who needs a person, who runs, who is alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.explain import Need, Who


@dataclass(frozen=True)
class Group:
    """Shops that need a person for one cause: all of them counted, the longest waiting listed."""

    cause: str
    who: Who
    n: int
    capped: bool
    rows: tuple[Need, ...]


@dataclass(frozen=True)
class Life:
    """Whether a kind of process is alive; `seen_at` None: never seen."""

    alive: bool
    seen_at: datetime | None
    running: int = 0
    workers: int = 0


@dataclass(frozen=True)
class Checks:
    """The safety check: its last tick, its last good one, the next, whole checks missed since."""

    last_at: datetime | None
    last_good_at: datetime | None
    found: int
    over_limit: int
    next_at: datetime | None
    missed: int


class Answering(StrEnum):
    """What the attempts of the last 15 minutes say of Shopify."""

    WELL = "answering"
    FAILING = "failing"
    NOT_ASKED = "not asked yet"


@dataclass(frozen=True)
class ShopifyState:
    """`failing` of `asked` shops got no answer; `since`: from when more than half of them did not."""

    kind: Answering
    failing: int
    asked: int
    since: datetime | None


class Picture(StrEnum):
    """Which kind of silence this is."""

    SCHEDULER_DEAD = "scheduler dead"
    NOTHING_DUE = "nothing due"
    OVER_LIMIT = "over the limit"
    WORKING = "working"


@dataclass(frozen=True)
class Fleet:
    """One snapshot. `installed`, `by_status` and `by_hold` stop counting at CAP (`capped`: some did)."""

    at: datetime
    installed: int
    capped: bool
    by_status: dict[str, int]
    by_hold: dict[str, int]
    syncing: int
    waiting: int
    retrying: int
    retrying_next_at: datetime | None
    overdue: int
    groups: tuple[Group, ...]
    scheduler: Life
    workers: Life
    checks: Checks
    shopify: ShopifyState
    picture: Picture

    @property
    def needs(self) -> tuple[Need, ...]:
        """The listed shops of all groups, in the order of the screen."""
        return tuple(row for group in self.groups for row in group.rows)

    @property
    def needs_n(self) -> int:
        return sum(group.n for group in self.groups)

    @property
    def oldest(self) -> datetime | None:
        """Since when the longest waiting shop needs a person."""
        return min((row.since for row in self.needs), default=None)


def fleet(session: Session, *, now: datetime, settings: Settings) -> Fleet:
    """The fleet as it stands. Source: shop_sync, heartbeat, sweep, sync_attempt by their indexes."""
    raise NotImplementedError
