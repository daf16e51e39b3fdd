"""The one place that writes a status, and what always goes with it.

Order of locks in every verb: shop_sync, then sync_attempt, then the rest (a request against a
claim deadlocked otherwise). On SQLite the transaction itself is the lock (BEGIN IMMEDIATE).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from sync_core.app_models import Shop
from sync_core.errors import Forbidden, UnknownShop
from sync_core.models import ShopSync, SyncAttempt, Transition
from sync_core.states import TRANSITIONS, Outcome, Status


@dataclass(frozen=True)
class Event:
    """Why a status changes: the event's name, the person or process behind it, its words."""

    name: str
    now: datetime
    who: str | None = None
    why: str | None = None


def locked(session: Session, shop_id: str) -> ShopSync:
    """The shop's row as it stands, locked until the transaction ends. Errors: UnknownShop."""
    query = select(ShopSync).where(ShopSync.shop_id == shop_id).with_for_update()
    shop = session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()
    if shop is None:
        raise UnknownShop("Shop not found")
    return shop


def open_attempt(session: Session, shop_id: str) -> SyncAttempt | None:
    """The shop's open attempt, claimed or not; the caller holds the shop's lock."""
    query = select(SyncAttempt).where(SyncAttempt.shop_id == shop_id, SyncAttempt.ended_at.is_(None))
    return session.execute(query, execution_options={"populate_existing": True}).scalar_one_or_none()


def change(session: Session, shops: Iterable[ShopSync], event: Event, **values: Any) -> None:
    """Write the same change to shops whose rows the caller has locked.

    Mirrors the status into the app's row and appends the transition of each shop whose status or
    hold changes. Errors: Forbidden when a status may not follow the present one.
    """
    shops = list(shops)
    ids = [shop.shop_id for shop in shops]
    values = {name: value.value if isinstance(value, StrEnum) else value for name, value in values.items()}
    moved = [shop for shop in shops if _moves(shop, values)]
    if moved:
        values["since"] = event.now
    if "status" in values:
        if values["status"] != Status.IN_PROGRESS:
            values["lease_owner"] = None
        _mirror(session, ids, values["status"])
    session.execute(
        update(ShopSync).where(ShopSync.shop_id.in_(ids)).values(**values),
        execution_options={"synchronize_session": False},
    )
    if moved:
        session.execute(insert(Transition), [_transition(shop, event, values) for shop in moved])


def insert_shop(session: Session, event: Event, **values: Any) -> None:
    """The first row of a shop, with its first transition."""
    session.execute(insert(ShopSync).values(since=event.now, **values))
    _mirror(session, [values["shop_id"]], values["status"])
    first = {"from_status": None, "to_status": values["status"], "from_hold": None, "to_hold": values.get("hold")}
    common = {"shop_id": values["shop_id"], "generation": values["generation"], "fence": 0}
    session.execute(insert(Transition).values(**first, **common, **_words(event)))


def end_open_attempt(
    session: Session, shop_id: str, outcome: Outcome, *, now: datetime, **fields: Any
) -> SyncAttempt | None:
    """End the shop's open attempt, if there is one, and return it as it was."""
    attempt = open_attempt(session, shop_id)
    if attempt is not None:
        end_attempt(session, attempt.id, outcome, now=now, **fields)
    return attempt


def end_attempt(session: Session, attempt_id: str, outcome: Outcome, *, now: datetime, **fields: Any) -> None:
    session.execute(
        update(SyncAttempt)
        .where(SyncAttempt.id == attempt_id, SyncAttempt.ended_at.is_(None))
        .values(ended_at=now, outcome=outcome.value, **fields),
        execution_options={"synchronize_session": False},
    )


def _moves(shop: ShopSync, values: dict[str, Any]) -> bool:
    status, hold = values.get("status", shop.status), values.get("hold", shop.hold)
    if status not in TRANSITIONS[Status(shop.status)]:
        raise Forbidden(f"{shop.status} cannot become {status}")
    renewed = values.get("generation", shop.generation) != shop.generation
    return renewed or (status, hold) != (shop.status, shop.hold)


def _mirror(session: Session, ids: list[str], status: str) -> None:
    session.execute(
        update(Shop).where(Shop.id.in_(ids)).values(sync_status=status),
        execution_options={"synchronize_session": False},
    )


def _transition(shop: ShopSync, event: Event, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "shop_id": shop.shop_id,
        "generation": values.get("generation", shop.generation),
        "from_status": shop.status,
        "to_status": values.get("status", shop.status),
        "from_hold": shop.hold,
        "to_hold": values.get("hold", shop.hold),
        "fence": shop.fence,
        **_words(event),
    }


def _words(event: Event) -> dict[str, Any]:
    return {"at": event.now, "event": event.name, "who": event.who, "why": event.why}
