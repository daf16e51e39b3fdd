"""Everything that the Shop page shows of one shop; never a token."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.explain import Situation
from sync_core.health.situations import situation
from sync_core.models import (
    Audit,
    Install,
    Note,
    ShopProfile,
    ShopSync,
    SyncAttempt,
    Token,
    Transition,
    WebhookCheck,
    WebhookInbox,
)
from sync_core.states import Hold, Outcome, Status, Trigger

ATTEMPTS, CHANGES, NOTES = 20, 100, 50
DYING = timedelta(days=30)
"""A token lives for 90 days and is refreshed after 30: with fewer left, a month of tries has failed."""
Facts = TypeVar("Facts")


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
    """One execution. `progress` as SyncAttempt has it, in the order of the run."""

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
    refreshable: bool

    @property
    def dies_at(self) -> datetime | None:
        """When only the merchant can bring access back, unless it is refreshed before; None: never, or not told."""
        return self.refresh_expires_at if self.refreshable else self.expires_at

    def dying(self, now: datetime) -> bool:
        """Whether that is near although it should have been refreshed long ago."""
        return self.dies_at is not None and self.dies_at - now < DYING


@dataclass(frozen=True)
class Subscriptions:
    """What was found when this shop's webhook subscriptions were looked at last."""

    checked_at: datetime
    address: str
    topics: list[str]
    missing: list[str]
    problem: str | None


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
    subscriptions: Subscriptions | None
    """None: not looked at, because the app's own configuration has them or Shopify could not reach us."""
    authorised_at: datetime
    lease_owner: str | None
    fence: int


def shop(session: Session, *, domain: str, now: datetime, settings: Settings) -> ShopView | None:
    """The shop with this domain (or id), or None. Never a token; e-mail only as the profile's contact."""
    wanted = or_(ShopSync.shop_domain == domain.strip().lower(), ShopSync.shop_id == domain)
    row = session.execute(select(ShopSync).where(wanted).limit(1)).scalar_one_or_none()
    if row is None:
        return None
    profile, attempts = _profile(session, row), _attempts(session, row)
    name = profile.name if profile else row.shop_domain
    running = next((attempt for attempt in attempts if attempt.ended_at is None), None)
    return ShopView(
        shop_id=row.shop_id,
        domain=row.shop_domain,
        name=name,
        situation=situation(session, row, name=name, attempt=running, now=now, settings=settings),
        profile=profile,
        open=running,
        attempts=attempts,
        changes=_changes(session, row),
        notes=_notes(session, row),
        acts=_acts(session, row),
        episodes=_episodes(session, row),
        token=_token(session, row),
        held=_held(row),
        last_webhook=_last_webhook(session, row),
        subscriptions=_subscriptions(session, row),
        authorised_at=row.authorised_at,
        lease_owner=row.lease_owner,
        fence=row.fence,
    )


def _profile(session: Session, row: ShopSync) -> Profile | None:
    found = session.get(ShopProfile, row.shop_id)
    return None if found is None else copied(Profile, found)


def _attempts(session: Session, row: ShopSync) -> tuple[Attempt, ...]:
    """The open one comes first, whenever it was asked for."""
    query = select(SyncAttempt).where(SyncAttempt.shop_id == row.shop_id)
    newest = query.order_by(SyncAttempt.ended_at.is_not(None), SyncAttempt.requested_at.desc(), SyncAttempt.id.desc())
    rows = session.execute(newest.limit(ATTEMPTS)).scalars()
    return tuple(
        copied(Attempt, each, trigger=Trigger(each.trigger), outcome=Outcome(each.outcome) if each.outcome else None)
        for each in rows
    )


def _changes(session: Session, row: ShopSync) -> tuple[Change, ...]:
    query = select(Transition).where(Transition.shop_id == row.shop_id)
    newest = query.order_by(Transition.at.desc(), Transition.fence.desc(), Transition.id.desc()).limit(CHANGES)
    return tuple(_change(each) for each in session.execute(newest).scalars())


def _change(row: Transition) -> Change:
    return copied(
        Change,
        row,
        from_status=Status(row.from_status) if row.from_status else None,
        to_status=Status(row.to_status),
        from_hold=Hold(row.from_hold) if row.from_hold else None,
        to_hold=Hold(row.to_hold) if row.to_hold else None,
    )


def _notes(session: Session, row: ShopSync) -> tuple[StaffNote, ...]:
    query = select(Note).where(Note.shop_id == row.shop_id).order_by(Note.at.desc(), Note.id.desc()).limit(NOTES)
    return tuple(copied(StaffNote, each) for each in session.execute(query).scalars())


def _acts(session: Session, row: ShopSync) -> tuple[Act, ...]:
    query = select(Audit).where(Audit.shop_id == row.shop_id).order_by(Audit.at.desc(), Audit.id.desc()).limit(NOTES)
    return tuple(copied(Act, each) for each in session.execute(query).scalars())


def _episodes(session: Session, row: ShopSync) -> tuple[Episode, ...]:
    query = select(Install).where(Install.shop_id == row.shop_id).order_by(Install.generation.desc()).limit(NOTES)
    return tuple(copied(Episode, each) for each in session.execute(query).scalars())


def _token(session: Session, row: ShopSync) -> TokenFacts | None:
    """Columns by name: the secret ones are not even read."""
    refreshable = Token.refresh_token.is_not(None).label("refreshable")
    facts = (Token.version, Token.stored_at, Token.expires_at, Token.refresh_expires_at, Token.scopes, refreshable)
    found = session.execute(select(*facts).where(Token.shop_id == row.shop_id)).one_or_none()
    if found is None:
        return None
    scopes = tuple(scope.strip() for scope in found.scopes.split(",") if scope.strip())
    return copied(TokenFacts, found, scopes=scopes, refreshable=bool(found.refreshable))


def _held(row: ShopSync) -> tuple[Held, ...]:
    return tuple(_held_resource(name, facts) for name, facts in row.held.items())


def _held_resource(name: str, facts: dict[str, Any]) -> Held:
    as_of = datetime.fromisoformat(facts["as_of"]) if facts.get("as_of") else None
    return Held(name, dict(facts.get("rows") or {}), as_of, facts.get("skipped"))


def _last_webhook(session: Session, row: ShopSync) -> LastWebhook | None:
    query = select(WebhookInbox).where(WebhookInbox.shop_domain == row.shop_domain)
    found = session.execute(query.order_by(WebhookInbox.received_at.desc()).limit(1)).scalar_one_or_none()
    return None if found is None else copied(LastWebhook, found)


def _subscriptions(session: Session, row: ShopSync) -> Subscriptions | None:
    found = session.get(WebhookCheck, row.shop_id)
    return None if found is None else copied(Subscriptions, found)


def copied(kind: type[Facts], row: object, **changed: Any) -> Facts:
    """A frozen value with the fields of `kind` from a row."""
    names = {each.name for each in fields(kind)} - changed.keys()  # type: ignore[arg-type]
    return kind(**{name: getattr(row, name) for name in names}, **changed)
