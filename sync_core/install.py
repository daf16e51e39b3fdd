"""What an install, a re-install and an uninstall mean; adopting what the app wrote by itself.

OAuth callback and uninstall webhook look at the app's row first, in their transaction: what the app
wrote before is taken over before something else is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from sync_core import credentials, lifecycle
from sync_core.app_models import Shop
from sync_core.columns import new_id
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import insert_into
from sync_core.digest import sha256_text
from sync_core.lifecycle import Event
from sync_core.models import ShopSync, Sweep
from sync_core.states import Hold, Status
from sync_core.vault import Vault


class Kind(StrEnum):
    """What an authorisation turned out to be."""

    INSTALLED = "installed"
    REINSTALLED = "reinstalled"
    AGAIN = "authorised again"


@dataclass(frozen=True)
class Registered:
    """The shop that an authorisation concerns."""

    shop_id: str
    generation: int
    kind: Kind


def register(
    session: Session,
    *,
    domain: str,
    pair: TokenPair,
    authorised_at: datetime,
    now: datetime,
    settings: Settings,
    vault: Vault,
    who: str = "oauth",
) -> Registered:
    """Store a fresh authorisation: shop, token and episode in the caller's one transaction.

    `authorised_at` is the moment before the code exchange: a webhook of an uninstall that happened
    before it must not undo it.
    """
    shop_id, fresh = _find_or_insert(session, domain, now)
    event = Event(Kind.INSTALLED.value, now, who)
    if fresh:
        times = {"installed_at": now, "authorised_at": authorised_at}
        lifecycle.begin(session, shop_id, domain=domain, **times, event=event, settings=settings)
        kind = Kind.INSTALLED
    else:
        adopt_shop(session, shop_id, now=now, settings=settings, vault=vault)
        kind = _known(session, shop_id, authorised_at=authorised_at, event=event, settings=settings)
    credentials.store(session, shop_id, pair, now=now, vault=vault)
    return Registered(shop_id, lifecycle.locked(session, shop_id).generation, kind)


def uninstall(
    session: Session, *, domain: str, triggered_at: datetime, now: datetime, settings: Settings, vault: Vault
) -> bool:
    """The merchant removed the app; False when that is unknown, done, or older than a new install."""
    shop_id = session.execute(select(Shop.id).where(Shop.shop_domain == domain)).scalar_one_or_none()
    if shop_id is None:
        return False
    adopt_shop(session, shop_id, now=now, settings=settings, vault=vault)
    shop = lifecycle.locked(session, shop_id)
    if shop.hold == Hold.UNINSTALLED or triggered_at <= shop.authorised_at:
        return False
    _forget(session, shop_id, uninstalled_at=triggered_at, event=Event("uninstalled", now, "webhook"))
    return True


def to_adopt(session: Session, *, limit: int = 10_000) -> list[str]:
    """Ids of shops whose row the app wrote or changed by itself."""
    changed = or_(
        ShopSync.shop_id.is_(None),
        Shop.installed_at > ShopSync.installed_at,
        Shop.uninstalled_at.is_not(None) & ShopSync.hold.is_distinct_from(Hold.UNINSTALLED.value),
        (Shop.access_token != "") & (sha256_text(Shop.access_token) != ShopSync.app_token_digest),
        (Shop.sync_status == Status.PENDING.value)
        & ShopSync.status.in_([Status.COMPLETED.value, Status.FAILED.value])
        & Shop.uninstalled_at.is_(None),
    )
    query = select(Shop.id).outerjoin(ShopSync, ShopSync.shop_id == Shop.id).where(changed).limit(limit)
    return list(session.execute(query).scalars())


def adopt_shop(session: Session, shop_id: str, *, now: datetime, settings: Settings, vault: Vault) -> bool:
    """Take over what the app wrote into its own row; False when there is nothing new.

    Errors: vault.Unreadable when the app's token cannot be opened.
    """
    known = session.execute(select(exists().where(ShopSync.shop_id == shop_id))).scalar_one()
    sync = lifecycle.locked(session, shop_id) if known else None
    row = session.execute(
        select(Shop).where(Shop.id == shop_id), execution_options={"populate_existing": True}
    ).scalar_one()
    if sync is None:
        return _adopt_new(session, row, now=now, settings=settings, vault=vault)
    return _adopt_changes(session, row, sync, now=now, settings=settings, vault=vault)


def _find_or_insert(session: Session, domain: str, now: datetime) -> tuple[str, bool]:
    """(shop id, whether this call inserted it); two callbacks at once agree on one row."""
    statement = insert_into(session, Shop).values(id=new_id(), shop_domain=domain, access_token="", installed_at=now)
    inserted = session.execute(statement.on_conflict_do_nothing().returning(Shop.id)).scalar_one_or_none()
    if inserted is not None:
        return inserted, True
    return session.execute(select(Shop.id).where(Shop.shop_domain == domain)).scalar_one(), False


def _known(session: Session, shop_id: str, *, authorised_at: datetime, event: Event, settings: Settings) -> Kind:
    if lifecycle.locked(session, shop_id).hold == Hold.UNINSTALLED:
        _reinstall(session, shop_id, event.now, authorised_at, event=event, settings=settings)
        return Kind.REINSTALLED
    again = Event("authorised", event.now, event.who)
    lifecycle.authorise_again(session, shop_id, authorised_at=authorised_at, event=again, settings=settings)
    return Kind.AGAIN


def _reinstall(
    session: Session,
    shop_id: str,
    installed_at: datetime,
    authorised_at: datetime,
    *,
    event: Event,
    settings: Settings,
) -> None:
    times = {"installed_at": installed_at, "authorised_at": authorised_at}
    lifecycle.begin_again(session, shop_id, **times, event=event, settings=settings)
    session.execute(
        update(Shop).where(Shop.id == shop_id).values(installed_at=installed_at, uninstalled_at=None),
        execution_options={"synchronize_session": False},
    )


def _forget(session: Session, shop_id: str, *, uninstalled_at: datetime, event: Event) -> None:
    lifecycle.uninstall(session, shop_id, event=event)
    credentials.erase(session, shop_id)
    session.execute(
        update(Shop).where(Shop.id == shop_id).values(uninstalled_at=uninstalled_at),
        execution_options={"synchronize_session": False},
    )


def _forget_by_app(session: Session, row: Shop, now: datetime) -> bool:
    uninstalled_at = row.uninstalled_at or now
    _forget(session, row.id, uninstalled_at=uninstalled_at, event=Event("uninstalled", now, "the app"))
    return True


def _adopt_new(session: Session, row: Shop, *, now: datetime, settings: Settings, vault: Vault) -> bool:
    event = Event("adopted", now, "the app")
    lifecycle.adopt(
        session,
        row.id,
        domain=row.shop_domain,
        status=Status(row.sync_status),
        installed_at=row.installed_at,
        last_synced_at=row.last_sync_at,
        watched=_watched(session, row.installed_at),
        event=event,
        settings=settings,
    )
    if row.access_token:
        credentials.adopt(session, row.id, row.access_token, scopes=row.scopes or "", now=now, vault=vault)
    if row.uninstalled_at is not None:
        _forget_by_app(session, row, now)
    return True


def _adopt_changes(
    session: Session, row: Shop, sync: ShopSync, *, now: datetime, settings: Settings, vault: Vault
) -> bool:
    gone = sync.hold == Hold.UNINSTALLED
    new_token = row.access_token != "" and credentials.digest(row.access_token) != sync.app_token_digest
    event = Event("reinstalled", now, "the app")
    # Never an earlier moment than before: an old uninstall's webhook would undo what followed it.
    authorised_at = max(row.installed_at, sync.authorised_at)
    if row.installed_at > sync.installed_at or (gone and new_token):
        if row.installed_at <= sync.installed_at:
            authorised_at = now
        _reinstall(session, row.id, row.installed_at, authorised_at, event=event, settings=settings)
        if row.uninstalled_at is not None and row.uninstalled_at >= row.installed_at:
            return _forget_by_app(session, row, now)
    elif row.uninstalled_at is not None and not gone:
        return _forget_by_app(session, row, now)
    elif new_token:
        again = Event("authorised", now, "the app")
        lifecycle.authorise_again(session, row.id, authorised_at=now, event=again, settings=settings)
    elif _asked_by_app(row, sync):
        _reinstall(session, row.id, row.installed_at, authorised_at, event=event, settings=settings)
    else:
        return False
    if new_token:
        credentials.adopt(session, row.id, row.access_token, scopes=row.scopes or "", now=now, vault=vault)
    return True


def _asked_by_app(row: Shop, sync: ShopSync) -> bool:
    """The app set its row back to PENDING: its way to ask for everything again."""
    ended = sync.status in (Status.COMPLETED, Status.FAILED)
    return row.sync_status == Status.PENDING and ended and row.uninstalled_at is None


def _watched(session: Session, installed_at: datetime) -> bool:
    """Whether we were alive when the shop was installed."""
    first = session.execute(select(Sweep.begun_at).order_by(Sweep.begun_at).limit(1)).scalar_one_or_none()
    return first is not None and installed_at >= first
