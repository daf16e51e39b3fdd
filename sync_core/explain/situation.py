"""What an explanation stands on, and what it says: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_core.explain.words import CHIPS, Action, Who
from sync_core.states import Hold, Mode, Status, Trigger

QUIET_SECONDS = 120
"""A run without progress for so long may be taken over by staff."""


def needs_first(*, workers_alive: bool, scheduler_alive: bool, wakes: bool) -> str | None:
    """Who must run before any sync starts by itself, or None. `wakes`: workers learn of what is due."""
    if not workers_alive:
        return "a worker" if scheduler_alive else "the scheduler"
    return None if wakes else "the scheduler"


@dataclass(frozen=True)
class Step:
    """How far one resource of the open attempt is. `total` None: not counted."""

    resource: str
    done: int
    total: int | None
    skipped: str | None
    ended: bool
    rate: float | None = None
    """Rows a second, or None when not measurable yet."""
    seconds_left: float | None = None


@dataclass(frozen=True)
class Run:
    """The open attempt: asked for (`claimed_at` None) or running."""

    trigger: Trigger
    mode: Mode
    actor: str | None
    reason: str | None
    requested_at: datetime
    claimed_at: datetime | None
    number: int
    steps: tuple[Step, ...] = ()
    progress_at: datetime | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class Situation:
    """Where one shop is. Moments are aware; a run whose `due_at` is past has lost its worker."""

    name: str
    now: datetime
    status: Status
    since: datetime
    installed_at: datetime
    hold: Hold | None = None
    held_since: datetime | None = None
    generation: int = 1
    due_at: datetime | None = None
    first_synced_at: datetime | None = None
    data_of: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    attention: bool = False
    error_class: str | None = None
    error_message: str | None = None
    run: Run | None = None
    skipped: tuple[str, ...] = ()
    """Resources without data because a permission is missing."""
    ahead: int | None = None
    """How many shops are to be started before this one; None: its turn has not come yet."""
    ahead_capped: bool = False
    """There are more before it than `ahead`."""
    overdue: bool = False
    next_at: datetime | None = None
    """When the next step happens by itself: the next try, refresh or look; None: nobody can say, or it does not."""
    prompt: bool = True
    stall_seconds: float = 600
    scheduler_alive: bool = True
    workers_alive: bool = True
    workers_seen_at: datetime | None = None
    """The last sign of life of any process that runs syncs."""

    @property
    def running(self) -> bool:
        return self.status is Status.IN_PROGRESS

    @property
    def expired(self) -> bool:
        """Whether the worker of this run gave no sign of life when it had to."""
        return self.running and self.due_at is not None and self.due_at <= self.now

    @property
    def quiet(self) -> bool:
        """Whether the run shows no sign of progress: staff may take it over."""
        seen = self.moved_at
        return self.expired or (seen is not None and self.now - seen >= timedelta(seconds=QUIET_SECONDS))

    @property
    def needs_first(self) -> str | None:
        """Who must run before anything happens by itself; a request wakes a worker without the scheduler."""
        wakes = self.prompt or self.scheduler_alive or self.run is not None
        return needs_first(workers_alive=self.workers_alive, scheduler_alive=self.scheduler_alive, wakes=wakes)

    @property
    def moved_at(self) -> datetime | None:
        """When the run last made progress."""
        return self.run.progress_at or self.run.claimed_at if self.run else None


@dataclass(frozen=True)
class Explanation:
    """What the Shop page says, in the screen's words."""

    headline: str
    now: str
    why: str
    next: str
    who: Who
    read_aloud: str
    action: Action
    off_because: str | None = None
    """Why Sync now is off, or None when `action` is a live one."""

    @property
    def chip(self) -> str:
        return CHIPS[self.who]


@dataclass(frozen=True)
class Need:
    """A shop that waits for a person. `cause` is a key of CAUSES."""

    shop_id: str
    domain: str
    name: str
    cause: str
    who: Who
    action: Action
    since: datetime
    """Since when its trouble lasts."""
    held_since: datetime | None
    next_at: datetime | None
    failures: int
    error_class: str | None
    error_message: str | None
    status: Status
    first_synced_at: datetime | None
