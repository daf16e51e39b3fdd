"""Episodes: what an install, a re-install, a new authorisation and an uninstall do to a shop's sync."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.lifecycle import moments
from sync_core.lifecycle.rows import Event, change, end_open_attempt, insert_shop, locked, open_attempt, standing
from sync_core.lifecycle.runs import unfailed
from sync_core.models import Install, ShopSync
from sync_core.states import CLEARED_BY_AUTHORISING, Hold, Outcome, Priority, Status


def begin(
    session: Session,
    shop_id: str,
    *,
    domain: str,
    installed_at: datetime,
    authorised_at: datetime,
    event: Event,
    settings: Settings,
) -> None:
    """A shop's first install through us: PENDING, with its deadlines."""
    due = moments.installed(installed_at, now=event.now, settings=settings)
    own = {"installed_at": installed_at, "authorised_at": authorised_at, **due}
    _insert_first(session, shop_id, domain, event, status=Status.PENDING, **own)
    _insert_install(session, shop_id, 1, installed_at, settings=settings)


def begin_again(
    session: Session, shop_id: str, *, installed_at: datetime, authorised_at: datetime, event: Event, settings: Settings
) -> int:
    """A re-install: the next generation, from nothing. Returns the generation."""
    shop = locked(session, shop_id)
    end_open_attempt(session, shop_id, Outcome.CANCELLED, now=event.now)
    _withdraw(session, shop, event.now)
    generation = shop.generation + 1
    values: dict[str, Any] = {"status": Status.PENDING, "hold": None, "priority": Priority.FIRST, "cursor": {}}
    values |= {"generation": generation, "first_synced_at": None, "held": {}}
    values |= {"installed_at": installed_at, "authorised_at": authorised_at, "last_synced_at": None}
    due = moments.installed(max(installed_at, event.now), now=event.now, settings=settings)
    change(session, [standing(shop)], event, bump=True, **values, **unfailed(), **due)
    _insert_install(session, shop_id, generation, installed_at, settings=settings)
    return generation


def authorise_again(
    session: Session, shop_id: str, *, authorised_at: datetime, event: Event, settings: Settings
) -> None:
    """The merchant authorised a known shop again: what a new token mends is mended.

    A FAILED shop whose hold is cleared is due now; with an open request it is PENDING and awake. A
    running probe is left alone, and so is a shop without such a hold.
    """
    shop = locked(session, shop_id)
    values: dict[str, Any] = {"authorised_at": authorised_at}
    if shop.hold in CLEARED_BY_AUTHORISING:
        values["hold"] = None
        values |= _due_again(session, shop, event.now, settings)
    change(session, [standing(shop)], event, **values)


def uninstall(session: Session, shop_id: str, *, event: Event) -> None:
    """The merchant removed the app: nothing runs, nothing is due, until an install says otherwise."""
    shop = locked(session, shop_id)
    end_open_attempt(session, shop_id, Outcome.CANCELLED, now=event.now)
    status = Status.COMPLETED if shop.status == Status.COMPLETED else Status.FAILED
    change(session, [standing(shop)], event, status=status, hold=Hold.UNINSTALLED, bump=True, **moments.never())
    _withdraw(session, shop, event.now)


def adopt(
    session: Session,
    shop_id: str,
    *,
    domain: str,
    status: Status,
    installed_at: datetime,
    last_synced_at: datetime | None,
    watched: bool,
    event: Event,
    settings: Settings,
) -> None:
    """A shop that the app wrote becomes ours, with the status that it has."""
    first = (last_synced_at or installed_at) if status is Status.COMPLETED else None
    values: dict[str, Any] = {"first_synced_at": first, "last_synced_at": last_synced_at if first else None}
    values |= moments.paired(_due_when_adopted(status, installed_at, event.now, settings), settings)
    if status is Status.IN_PROGRESS:
        values["lease_owner"] = "the app"
    values["priority"] = Priority.LOW if status is Status.COMPLETED else Priority.FIRST
    values |= {"installed_at": installed_at, "authorised_at": installed_at}
    _insert_first(session, shop_id, domain, event, status=status, **values)
    _insert_install(session, shop_id, 1, installed_at, settings=settings, watched=watched, first_synced_at=first)


def _due_again(session: Session, shop: ShopSync, now: datetime, settings: Settings) -> dict[str, Any]:
    if shop.status != Status.FAILED:
        return {}
    attempt = open_attempt(session, shop.shop_id)
    if attempt is None:
        return {"priority": Priority.FIRST, **moments.paired(now, settings)}
    return {"status": Status.PENDING, "priority": Priority.FIRST, **moments.both(now)}


def _due_when_adopted(status: Status, installed_at: datetime, now: datetime, settings: Settings) -> datetime | None:
    if status is Status.COMPLETED:
        return moments.refresh(now, settings)
    if status is Status.IN_PROGRESS:
        return now + moments.ADOPTED_LEASE
    if status is Status.PENDING:
        return installed_at + timedelta(seconds=settings.sweep_grace_seconds)
    return now


def _insert_first(session: Session, shop_id: str, domain: str, event: Event, *, status: Status, **values: Any) -> None:
    insert_shop(session, event, shop_id=shop_id, shop_domain=domain, generation=1, status=status.value, **values)


def _insert_install(
    session: Session,
    shop_id: str,
    generation: int,
    installed_at: datetime,
    *,
    settings: Settings,
    watched: bool = True,
    first_synced_at: datetime | None = None,
) -> None:
    grace = timedelta(seconds=settings.sweep_grace_seconds)
    session.execute(
        insert(Install).values(
            shop_id=shop_id,
            generation=generation,
            installed_at=installed_at,
            pickup_deadline=installed_at + grace + moments.PICKUP_PATIENCE,
            success_deadline=installed_at + moments.SUCCESS_PATIENCE,
            first_synced_at=first_synced_at,
            watched=watched,
        )
    )


def _withdraw(session: Session, shop: ShopSync, now: datetime) -> None:
    mine = (Install.shop_id == shop.shop_id) & (Install.generation == shop.generation)
    session.execute(
        update(Install).where(mine, Install.withdrawn_at.is_(None)).values(withdrawn_at=now),
        execution_options={"synchronize_session": False},
    )
