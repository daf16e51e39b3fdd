"""Work what is in the inbox, a transaction a message: removals first, then one request a shop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import exists, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from sync_core import lifecycle
from sync_core.app_models import Shop
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.errors import places
from sync_core.inbox import changes, finishes, privacy
from sync_core.inbox.case import SET_ASIDE, Case, Unworkable
from sync_core.inbox.deletions import deleted
from sync_core.models import ShopSync, WebhookInbox
from sync_core.vault import Vault

LIMIT = 100
TRIES = 5
AGAIN = timedelta(seconds=15)
"""How long a message rests that could not be worked, or whose shop is being synced."""

HANDLERS: dict[str, Callable[[Case], str | None]] = {
    "products/delete": deleted,
    "customers/delete": deleted,
    "orders/delete": deleted,
    "app/scopes_update": changes.rescoped,
    finishes.TOPIC: finishes.finished,
    "customers/data_request": privacy.data_request,
    "customers/redact": privacy.redact_customer,
    "shop/redact": privacy.redact_shop,
}
"""What is done at once, message by message. None as a result: look again later."""

log = structlog.get_logger()


@dataclass
class Worked:
    """What one look did: messages done, set aside, failed or left for later; requests opened."""

    done: int = 0
    set_aside: int = 0
    failed: int = 0
    later: int = 0
    asked: int = 0


@dataclass
class Rest:
    """A message that is looked at again: its failures so far, and when."""

    tries: int
    until: datetime


@dataclass
class Inbox:
    """The inbox of one process; two may work the same one, each message is locked while it is worked."""

    database: Database
    settings: Settings
    vault: Vault
    resting: dict[str, Rest] = field(default_factory=dict)
    """By webhook id. Lost with the process: a bad message is then tried again from the start."""

    def work(self, *, limit: int = LIMIT) -> Worked:
        """Look once. Errors: those of a database that does not answer; one bad message stops nothing."""
        worked = Worked()
        with self.database.read() as session:
            now = self.database.now(session)
            single = self._single(session, now, limit)
            shops = changes.waiting(session, now, limit)
            strays = session.execute(select(exists().where(changes.of_no_shop()))).scalar_one()
        for webhook_id, topic in single:
            self._one(webhook_id, topic, worked)
        for shop_id in shops:
            self._settle(shop_id, worked)
        if strays:
            with self.database.write() as session:
                worked.done += changes.drop(session, self.database.now(session))
        if worked != Worked():
            log.info("inbox", **vars(worked))
        return worked

    def _single(self, session: Session, now: datetime, limit: int) -> list[tuple[str, str]]:
        """(id, topic) of messages worked one by one, oldest first, without those that rest."""
        resting = [webhook_id for webhook_id, rest in self.resting.items() if rest.until > now]
        query = select(WebhookInbox.webhook_id, WebhookInbox.topic)
        query = query.where(changes.OPEN, ~changes.IS_CHANGE, WebhookInbox.webhook_id.not_in(resting))
        found = session.execute(query.order_by(WebhookInbox.received_at).limit(limit))
        return [(webhook_id, topic) for webhook_id, topic in found]

    def _one(self, webhook_id: str, topic: str, worked: Worked) -> None:
        try:
            with self.database.write() as session:
                now = self.database.now(session)
                self._work(session, webhook_id, now, worked)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - the message is the edge: a bad one must not stop the others
            self._failed(webhook_id, topic, error, worked)

    def _work(self, session: Session, webhook_id: str, now: datetime, worked: Worked) -> None:
        case = self._case(session, webhook_id, now)
        if case is None:
            return
        handler = HANDLERS.get(case.row.topic)
        unadopted = case.shop is None and _app_knows(session, case.row.shop_domain)
        result = "ignored: nothing here needs it" if handler is None else None if unadopted else handler(case)
        if result is None:
            rest = self.resting.get(webhook_id)
            self.resting[webhook_id] = Rest(rest.tries if rest else 0, now + AGAIN)
            worked.later += 1
            return
        changes.close(session, WebhookInbox.webhook_id == webhook_id, result, now)
        self.resting.pop(webhook_id, None)
        worked.done += 1

    def _case(self, session: Session, webhook_id: str, now: datetime) -> Case | None:
        """The message with its shop, both locked in the order of every verb; None when another process was first."""
        mine = WebhookInbox.webhook_id == webhook_id
        domain = session.execute(select(WebhookInbox.shop_domain).where(mine)).scalar_one()
        known = session.execute(select(ShopSync.shop_id).where(ShopSync.shop_domain == domain)).scalar_one_or_none()
        shop = lifecycle.locked(session, known) if known else None
        row = session.execute(select(WebhookInbox).where(mine, changes.OPEN).with_for_update()).scalar_one_or_none()
        return Case(session, row, shop, now, self.settings, self.vault) if row else None

    def _failed(self, webhook_id: str, topic: str, error: Exception, worked: Worked) -> None:
        """Try again later, a few times; then set it aside with the reason, its body kept to be looked at."""
        rest = self.resting.get(webhook_id)
        tries = rest.tries + 1 if rest else 1
        why = str(error) if isinstance(error, Unworkable) else type(error).__name__
        hopeless = isinstance(error, Unworkable) or tries >= TRIES
        with self.database.write() as session:
            now = self.database.now(session)
            self.resting[webhook_id] = Rest(tries, now + AGAIN)
            if hopeless:
                row = session.get_one(WebhookInbox, webhook_id)
                row.handled_at, row.result = now, f"{SET_ASIDE}{why}"
                self.resting.pop(webhook_id)
        worked.set_aside += hopeless
        worked.failed += not hopeless
        note = log.error if hopeless else log.warning
        note("inbox.set_aside" if hopeless else "inbox.failed", topic=topic, tries=tries, why=why, at=places(error))

    def _settle(self, shop_id: str, worked: Worked) -> None:
        try:
            with self.database.write() as session:
                done, answer = changes.settle(session, shop_id, self.database.now(session))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - the shop is the edge: the others are worked all the same
            worked.failed += 1
            log.warning("inbox.failed", shop_id=shop_id, why=type(error).__name__, at=places(error))
            return
        worked.done += done
        worked.asked += answer is lifecycle.Answer.OPENED


def _app_knows(session: Session, domain: str) -> bool:
    """Whether the app has this shop: the sweep will adopt it, and its rows may be there already."""
    return session.execute(
        select(exists().where(Shop.shop_domain == domain, Shop.uninstalled_at.is_(None)))
    ).scalar_one()
