"""Everything that the Shop page shows of one shop; never a token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.explain import Situation
from sync_core.states import Hold, Outcome, Status, Trigger


@dataclass(frozen=True)
class Profile:
    name: str
    primary_domain: str | None
    contact_email: str | None
    plan: str | None
    time_zone: str | None
    currency: str | None
    updated_at: datetime


@dataclass(frozen=True)
class Attempt:
    """One execution. `stored`: resource → rows done, in the order of the run."""

    id: str
    generation: int
    number: int
    fence: int | None
    trigger: Trigger
    mode: str
    actor: str | None
    reason: str | None
    taken_by: str | None
    requested_at: datetime
    claimed_at: datetime | None
    ended_at: datetime | None
    outcome: Outcome | None
    error_class: str | None
    error_message: str | None
    http_status: int | None
    request_id: str | None
    plan: str | None
    progress: dict[str, Any]
    requests: int
    points: int
    bytes: int


@dataclass(frozen=True)
class Change:
    """One transition."""

    at: datetime
    generation: int
    from_status: Status | None
    to_status: Status
    from_hold: Hold | None
    to_hold: Hold | None
    event: str
    why: str | None
    who: str | None


@dataclass(frozen=True)
class StaffNote:
    at: datetime
    by: str
    text: str
    ticket: str | None


@dataclass(frozen=True)
class Act:
    """One audit row."""

    at: datetime
    actor: str
    act: str
    reason: str | None
    origin: str


@dataclass(frozen=True)
class Episode:
    """One install of this shop."""

    generation: int
    installed_at: datetime
    pickup_deadline: datetime
    first_claimed_at: datetime | None
    first_synced_at: datetime | None
    withdrawn_at: datetime | None
    path: str | None


@dataclass(frozen=True)
class TokenFacts:
    """When access ends; the token itself is never read."""

    version: int
    stored_at: datetime
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Held:
    """What we hold of one resource. `rows`: table → rows; `skipped`: why there is nothing."""

    resource: str
    rows: dict[str, int]
    as_of: datetime | None
    skipped: str | None


@dataclass(frozen=True)
class LastWebhook:
    topic: str
    received_at: datetime
    handled_at: datetime | None
    result: str | None


@dataclass(frozen=True)
class ShopView:
    shop_id: str
    domain: str
    name: str
    situation: Situation
    profile: Profile | None
    open: Attempt | None
    attempts: tuple[Attempt, ...]
    """The last 20, newest first, the open one included."""
    changes: tuple[Change, ...]
    notes: tuple[StaffNote, ...]
    acts: tuple[Act, ...]
    episodes: tuple[Episode, ...]
    """Newest first."""
    token: TokenFacts | None
    held: tuple[Held, ...]
    last_webhook: LastWebhook | None
    authorised_at: datetime
    lease_owner: str | None
    fence: int


def shop(session: Session, *, domain: str, now: datetime, settings: Settings) -> ShopView | None:
    """The shop with this domain (or id), or None. Never a token; e-mail only as the profile's contact."""
    raise NotImplementedError
