"""Open a request, take a run over, stop syncing: what people and the sweep ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from sync_core.columns import new_id
from sync_core.errors import Forbidden
from sync_core.lifecycle import moments
from sync_core.lifecycle.rows import Event, change, end_open_attempt, locked, open_attempt, standing
from sync_core.models import ShopSync, SyncAttempt
from sync_core.states import REFUSED_TO_STAFF, TRIGGERS_OF_PEOPLE, Hold, Mode, Outcome, Priority, Status, Trigger

MANY_FAILURES = 3


class Answer(StrEnum):
    """What came of a request."""

    OPENED = "opened"
    JOINED = "joined"
    RUNNING = "running"
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True)
class Asked:
    """The answer to a request, with the shop as it stood when it was asked."""

    answer: Answer
    shop_id: str
    shop_domain: str
    status: Status
    hold: Hold | None
    attempt_id: str | None
    next_at: datetime | None
    why: str


@dataclass(frozen=True)
class Ask:
    """A request's own words."""

    trigger: Trigger
    mode: Mode = Mode.CHANGES
    actor: str | None = None
    reason: str | None = None

    @property
    def by_person(self) -> bool:
        return self.trigger in TRIGGERS_OF_PEOPLE


def request(
    session: Session,
    shop_id: str,
    *,
    trigger: Trigger,
    now: datetime,
    actor: str | None = None,
    reason: str | None = None,
    mode: Mode = Mode.CHANGES,
) -> Asked:
    """Ask that a shop be synced, in the caller's transaction.

    A second request joins the open one; a live run is left alone; a held or uninstalled shop is
    refused to those who cannot clear it. Errors: UnknownShop.
    """
    shop = locked(session, shop_id)
    ask = Ask(trigger, mode, actor, reason)
    attempt = open_attempt(session, shop_id)
    refusal = _refusal(shop, trigger)
    if refusal:
        return _asked(Answer.REFUSED, shop, None, refusal)
    if shop.status == Status.IN_PROGRESS:
        return _while_running(session, shop, attempt, now)
    skipped = _needless(shop, trigger)
    if skipped:
        return _asked(Answer.SKIPPED, shop, attempt.id if attempt else None, skipped)
    if attempt is not None:
        return _join(session, shop, attempt, ask, now)
    return _open(session, shop, ask, now)


def take_over(
    session: Session,
    shop_id: str,
    *,
    actor: str,
    reason: str,
    now: datetime,
    mode: Mode = Mode.CHANGES,
) -> Asked:
    """End the present run as stolen and request a new one; a plain request when nothing runs."""
    shop = locked(session, shop_id)
    if shop.status != Status.IN_PROGRESS or shop.hold == Hold.UNINSTALLED:
        return request(session, shop_id, trigger=Trigger.MANUAL, now=now, actor=actor, reason=reason, mode=mode)
    stolen = end_open_attempt(session, shop_id, Outcome.STOLEN, now=now)
    goes_on = stolen is not None and stolen.mode == Mode.EVERYTHING
    kept = Mode.EVERYTHING if goes_on else mode
    attempt_id = insert_request(session, shop, Ask(Trigger.MANUAL, kept, actor, reason), now)
    values: dict[str, Any] = {"status": Status.PENDING, "hold": None, "priority": Priority.FIRST}
    event = Event("taken_over", now, actor, reason)
    change(session, [standing(shop)], event, bump=True, **values, **moments.both(now), **_restart(mode))
    return _asked(Answer.OPENED, shop, attempt_id, "Taken over")


def stop(session: Session, shop_id: str, *, actor: str, reason: str, now: datetime) -> None:
    """Sync this shop no more until a person asks again. Errors: UnknownShop; Forbidden when uninstalled."""
    shop = locked(session, shop_id)
    if shop.hold == Hold.UNINSTALLED:
        raise Forbidden("Shop is uninstalled")
    end_open_attempt(session, shop_id, Outcome.CANCELLED, now=now)
    status = Status.COMPLETED if shop.status == Status.COMPLETED else Status.FAILED
    event = Event("stopped", now, actor, reason)
    change(session, [standing(shop)], event, status=status, hold=Hold.STOPPED, bump=True, **moments.never())


def insert_request(session: Session, shop: ShopSync, ask: Ask, now: datetime) -> str:
    """The attempt row of a request; the partial unique index lets no second one in."""
    attempt_id = new_id()
    session.execute(
        insert(SyncAttempt).values(
            id=attempt_id,
            shop_id=shop.shop_id,
            generation=shop.generation,
            trigger=ask.trigger.value,
            mode=ask.mode.value,
            actor=ask.actor,
            reason=ask.reason,
            requested_at=now,
        )
    )
    return attempt_id


def _refusal(shop: ShopSync, trigger: Trigger) -> str | None:
    if shop.hold is None:
        return None
    if shop.hold == Hold.UNINSTALLED:
        return "Shop is uninstalled"
    if trigger in (Trigger.WEBHOOK, Trigger.ONBOARDING):
        return f"Blocked: {shop.hold}"
    if trigger in TRIGGERS_OF_PEOPLE and shop.hold in REFUSED_TO_STAFF:
        return f"Blocked: {shop.hold}"
    return None


def _needless(shop: ShopSync, trigger: Trigger) -> str | None:
    if trigger is Trigger.ONBOARDING and shop.status == Status.COMPLETED:
        return "Already synced"
    if trigger is Trigger.WEBHOOK and shop.status == Status.FAILED:
        return "Left to its next try"
    return None


def _while_running(session: Session, shop: ShopSync, attempt: SyncAttempt | None, now: datetime) -> Asked:
    """A live lease is left alone; an expired one only becomes awake, so that it is taken over."""
    if shop.due_at is not None and shop.due_at <= now:
        change(session, [standing(shop)], Event("awake", now), wake_at=now)
    return _asked(Answer.RUNNING, shop, attempt.id if attempt else None, "Sync already in progress")


def _join(session: Session, shop: ShopSync, attempt: SyncAttempt, ask: Ask, now: datetime) -> Asked:
    if ask.trigger is Trigger.SWEEP:
        # due_at stays: each sweep would make a waiting request look new
        change(session, [standing(shop)], Event("joined", now), wake_at=now)
        return _asked(Answer.JOINED, shop, attempt.id, "Already requested")
    if ask.mode is Mode.EVERYTHING:
        session.execute(
            update(SyncAttempt).where(SyncAttempt.id == attempt.id).values(mode=ask.mode.value),
            execution_options={"synchronize_session": False},
        )
    due = min(shop.due_at, now) if shop.due_at else now
    values: dict[str, Any] = {"priority": Priority.FIRST} if ask.by_person else {}
    values |= {"status": Status.PENDING, "hold": None, "due_at": due, "wake_at": now}
    change(session, [standing(shop)], Event("requested", now, ask.actor, ask.reason), **values, **_restart(ask.mode))
    return _asked(Answer.JOINED, shop, attempt.id, "Already requested")


def _open(session: Session, shop: ShopSync, ask: Ask, now: datetime) -> Asked:
    probing = ask.trigger is Trigger.SWEEP and shop.hold is not None
    if probing:
        ask = Ask(Trigger.PROBE, ask.mode, ask.actor, ask.reason)
    attempt_id = insert_request(session, shop, ask, now)
    values: dict[str, Any] = {} if probing else {"status": Status.PENDING, "hold": None}
    priority = _priority(shop, ask)
    event = Event("requested", now, ask.actor, ask.reason or ask.trigger.value)
    change(session, [standing(shop)], event, priority=priority, **values, **moments.both(now), **_restart(ask.mode))
    return _asked(Answer.OPENED, shop, attempt_id, "Sync started")


def _priority(shop: ShopSync, ask: Ask) -> int:
    if ask.by_person:
        return Priority.FIRST
    if ask.trigger is Trigger.PROBE or shop.status == Status.COMPLETED:
        return Priority.LOW
    return Priority.FAILING if shop.failures > MANY_FAILURES else Priority.FIRST


def _restart(mode: Mode) -> dict[str, Any]:
    """`everything` empties the cursor when it is asked for, so that every later try resumes the same pass."""
    return {"cursor": {}} if mode is Mode.EVERYTHING else {}


def _asked(answer: Answer, shop: ShopSync, attempt_id: str | None, why: str) -> Asked:
    hold = Hold(shop.hold) if shop.hold else None
    return Asked(answer, shop.shop_id, shop.shop_domain, Status(shop.status), hold, attempt_id, shop.due_at, why)
