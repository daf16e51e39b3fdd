"""The one place that writes a status, and what always goes with it.

Order of locks in every verb: shop_sync, then sync_attempt, then the rest (a request against a
claim deadlocked otherwise). On SQLite the transaction itself is the lock (BEGIN IMMEDIATE).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from sync_core import finding
from sync_core.app_models import Shop
from sync_core.columns import new_id
from sync_core.errors import Forbidden, StaleClaim, UnknownShop
from sync_core.models import ShopSync, SyncAttempt, Transition
from sync_core.prepared import Prepared, at_once
from sync_core.states import TRANSITIONS, Outcome, Status


@dataclass(frozen=True)
class Event:
    """Why a status changes: the event's name, the person or process behind it, its words."""

    name: str
    now: datetime
    who: str | None = None
    why: str | None = None


class Standing(NamedTuple):
    """What a change must know of a shop as it stands; None as status: not known yet."""

    shop_id: str
    status: str | None
    hold: str | None
    generation: int
    fence: int


def standing(shop: ShopSync) -> Standing:
    return Standing(shop.shop_id, shop.status, shop.hold, shop.generation, shop.fence)


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


def change(session: Session, shops: Sequence[Standing], event: Event, *, bump: bool = False, **values: Any) -> None:
    """Write the same change to shops as they stand; `bump` moves each fence on by one.

    The rows are locked, or the UPDATE itself is the guard: it finds a shop only with the fence and
    the status that it is said to stand at. Mirrors the status into the app's row and appends the
    transition of each shop whose status or hold changes. Errors: StaleClaim when a shop stands
    elsewhere by now; Forbidden when a status may not follow the present one.
    """
    values = {name: value.value if isinstance(value, StrEnum) else value for name, value in values.items()}
    moved = [shop for shop in shops if _moves(shop, values)]
    if moved:
        values["since"] = event.now
    if any(values.get("hold", shop.hold) != shop.hold for shop in moved):
        values["held_since"] = event.now if values["hold"] else None
    if values.get("status", Status.IN_PROGRESS) != Status.IN_PROGRESS:
        values["lease_owner"] = None
    write(session, shops, bump=bump, **values)
    with at_once(session):
        if "status" in values:
            _mirror(session, shops, values)
        if moved:
            _TRANSITION.run(session, *(_transition(shop, event, values) for shop in moved))


def write(session: Session, shops: Sequence[Standing], *, bump: bool = False, **values: Any) -> None:
    """The UPDATE of each shop's row where it still stands as said. Errors: StaleClaim when one does not."""
    rows = [
        {
            **values,
            "fence": shop.fence + bump,
            "its_id": shop.shop_id,
            "its_fence": shop.fence,
            "its_status": shop.status,
        }
        for shop in shops
    ]
    if _update(tuple(values)).run(session, *rows) != len(rows):
        raise StaleClaim(f"{' '.join(shop.shop_id for shop in shops)}: the claim is over")


@lru_cache(maxsize=256)
def _update(columns: tuple[str, ...]) -> Prepared:
    """One statement for each set of columns that a verb writes."""
    table = cast(Table, ShopSync.__table__)
    stands = (table.c.shop_id == bindparam("its_id")) & (table.c.fence == bindparam("its_fence"))
    statement = update(table).where(stands, table.c.status == bindparam("its_status"))
    return Prepared(statement.values({name: bindparam(name) for name in (*columns, "fence")}))


def insert_shop(session: Session, event: Event, **values: Any) -> None:
    """The first row of a shop, with its first transition."""
    session.execute(insert(ShopSync).values(since=event.now, **values))
    finding.know(session, values["shop_id"])
    first = Standing(values["shop_id"], None, None, values["generation"], 0)
    _mirror(session, [first], values)
    _TRANSITION.run(session, _transition(first, event, values))


def end_open_attempt(
    session: Session, shop_id: str, outcome: Outcome, *, now: datetime, **fields: Any
) -> SyncAttempt | None:
    """End the shop's open attempt, if there is one, and return it as it was."""
    attempt = open_attempt(session, shop_id)
    if attempt is not None:
        end_attempt(session, attempt.id, outcome, now=now, **fields)
    return attempt


def end_attempt(session: Session, attempt_id: str, outcome: Outcome, *, now: datetime, **fields: Any) -> None:
    """End an attempt that is open, once."""
    book(session, attempt_id, ended_at=now, outcome=outcome.value, **fields)


def book(session: Session, attempt_id: str, **fields: Any) -> None:
    """Write fields of an attempt that is open; what has ended never changes."""
    _attempt(tuple(fields)).run(session, {**fields, "its_id": attempt_id})


@lru_cache(maxsize=64)
def _attempt(columns: tuple[str, ...]) -> Prepared:
    table = cast(Table, SyncAttempt.__table__)
    statement = update(table).where(table.c.id == bindparam("its_id"), table.c.ended_at.is_(None))
    return Prepared(statement.values({name: bindparam(name) for name in columns}))


def _moves(shop: Standing, values: dict[str, Any]) -> bool:
    status, hold = values.get("status", shop.status), values.get("hold", shop.hold)
    if status not in TRANSITIONS[Status(shop.status) if shop.status else None]:
        raise Forbidden(f"{shop.status} cannot become {status}")
    renewed = values.get("generation", shop.generation) != shop.generation
    return renewed or (status, hold) != (shop.status, shop.hold)


def _mirror(session: Session, shops: Sequence[Standing], values: dict[str, Any]) -> None:
    """The app's own row shows the same status; when a sync ended well, also when."""
    statement, more = _MIRROR, {}
    if values.get("status") == Status.COMPLETED and values.get("last_synced_at"):
        statement, more = _MIRROR_SYNCED, {"lastSyncAt": values["last_synced_at"]}
    statement.run(session, *({"syncStatus": values["status"], "its_id": shop.shop_id, **more} for shop in shops))


def _mirroring(*columns: str) -> Prepared:
    table = cast(Table, Shop.__table__)
    statement = update(table).where(table.c.id == bindparam("its_id"))
    return Prepared(statement.values({name: bindparam(name) for name in columns}))


def _transition(shop: Standing, event: Event, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "shop_id": shop.shop_id,
        "generation": values.get("generation", shop.generation),
        "at": event.now,
        "from_status": shop.status,
        "to_status": values.get("status", shop.status),
        "from_hold": shop.hold,
        "to_hold": values.get("hold", shop.hold),
        "event": event.name,
        "why": event.why,
        "who": event.who,
        "fence": shop.fence,
    }


_MIRROR, _MIRROR_SYNCED = _mirroring("syncStatus"), _mirroring("syncStatus", "lastSyncAt")
_TRANSITION = Prepared(insert(Transition).values({c.key: bindparam(c.key) for c in Transition.__table__.columns}))
