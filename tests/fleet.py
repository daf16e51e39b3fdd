"""A fleet to test with: shops in every state, made through the product's own verbs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from sync_core import install, lifecycle
from sync_core.app_models import Shop
from sync_core.config import Settings
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.lifecycle import Asked, Claim, Failed, Usage
from sync_core.models import Install, ShopSync, SyncAttempt, Transition
from sync_core.states import Mode, Trigger
from sync_core.vault import Vault, open_vault

PAIR = TokenPair("shpat_planted_marker", "shprt_planted_marker", scopes="read_products")


@dataclass
class Fleet:
    """Verbs on one database; each in a transaction of its own, at the database's present moment."""

    database: Database
    settings: Settings

    @property
    def vault(self) -> Vault:
        return open_vault(self.settings)

    @property
    def now(self) -> datetime:
        with self.database.read() as session:
            return self.database.now(session)

    def install(self, domain: str = "one.myshopify.com", *, authorised_at: datetime | None = None) -> str:
        with self.database.write() as session:
            now = self.database.now(session)
            moment = authorised_at or now
            own = {"settings": self.settings, "vault": self.vault}
            registered = install.register(session, domain=domain, pair=PAIR, authorised_at=moment, now=now, **own)
        return registered.shop_id

    def uninstall(self, domain: str = "one.myshopify.com", *, triggered_at: datetime | None = None) -> bool:
        with self.database.write() as session:
            now = self.database.now(session)
            own = {"settings": self.settings, "vault": self.vault}
            return install.uninstall(session, domain=domain, triggered_at=triggered_at or now, now=now, **own)

    def ask(self, shop_id: str, trigger: Trigger = Trigger.MANUAL, **words: Any) -> Asked:
        with self.database.write() as session:
            return lifecycle.request(session, shop_id, trigger=trigger, now=self.database.now(session), **words)

    def claim(self, *, owner: str = "worker-1", limit: int = 1, **places: int) -> list[Claim]:
        """`places`: rescues, oldest, reserve."""
        with self.database.write() as session:
            own: dict[str, Any] = {"now": self.database.now(session), "settings": self.settings}
            return lifecycle.claim(session, owner=owner, limit=limit, **places, **own)

    def claim_one(self, shop_id: str) -> Claim:
        """Ask for a shop as staff would, and claim it."""
        self.ask(shop_id)
        with self.database.write() as session:
            now = self.database.now(session)
            claim = lifecycle.claim_shop(session, shop_id, owner="worker-1", now=now, settings=self.settings)
        assert claim is not None
        return claim

    def checkpoint(self, claim: Claim, cursor: dict[str, Any] | None = None) -> None:
        with self.database.write() as session:
            own = {"now": self.database.now(session), "settings": self.settings}
            lifecycle.checkpoint(session, claim, cursor=cursor or {}, progress={}, usage=Usage(1), **own)

    def renew(self, claim: Claim, *, progressed_at: datetime | None = None) -> None:
        with self.database.write() as session:
            now = self.database.now(session)
            lifecycle.renew(session, claim, progressed_at=progressed_at or now, now=now, settings=self.settings)

    def complete(self, claim: Claim) -> None:
        with self.database.write() as session:
            own = {"now": self.database.now(session), "settings": self.settings}
            lifecycle.complete(session, claim, cursor={}, progress={}, held={}, usage=Usage(1), **own)

    def fail(self, claim: Claim, error: BaseException) -> Failed:
        with self.database.write() as session:
            now = self.database.now(session)
            return lifecycle.fail(session, claim, error=error, now=now, settings=self.settings)

    def release(self, claim: Claim) -> None:
        with self.database.write() as session:
            lifecycle.release(session, claim, now=self.database.now(session))

    def stop(self, shop_id: str) -> None:
        with self.database.write() as session:
            lifecycle.stop(session, shop_id, actor="Ada", reason="asked", now=self.database.now(session))

    def take_over(self, shop_id: str, mode: Mode = Mode.CHANGES) -> Asked:
        with self.database.write() as session:
            words = {"actor": "Ada", "reason": "no progress", "mode": mode}
            return lifecycle.take_over(session, shop_id, now=self.database.now(session), **words)

    def synced(self, domain: str = "one.myshopify.com") -> str:
        """A shop whose first sync is done."""
        shop_id = self.install(domain)
        self.complete(self.claim_one(shop_id))
        return shop_id

    def sync(self, shop_id: str) -> ShopSync:
        with self.database.read() as session:
            return session.get_one(ShopSync, shop_id)

    def shop(self, shop_id: str) -> Shop:
        with self.database.read() as session:
            return session.get_one(Shop, shop_id)

    def attempts(self, shop_id: str) -> list[SyncAttempt]:
        """Oldest first."""
        query = select(SyncAttempt).where(SyncAttempt.shop_id == shop_id)
        with self.database.read() as session:
            return list(session.execute(query.order_by(SyncAttempt.requested_at, SyncAttempt.id)).scalars())

    def installs(self, shop_id: str) -> list[Install]:
        query = select(Install).where(Install.shop_id == shop_id).order_by(Install.generation)
        with self.database.read() as session:
            return list(session.execute(query).scalars())

    def events(self, shop_id: str) -> list[str]:
        query = select(Transition.event).where(Transition.shop_id == shop_id).order_by(Transition.at, Transition.id)
        with self.database.read() as session:
            return list(session.execute(query).scalars())
