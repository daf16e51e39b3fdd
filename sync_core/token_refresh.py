"""The next pair of a shop's tokens: one asks Shopify at a time, whoever needs it and in whatever process.

Whose turn it is stands on the token's row, so that no transaction is open while Shopify answers. A turn
outlasts one question. When whoever had it died, the next asks with the same token: Shopify answers the
same question again until the pair that it answered is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx
import structlog
from sqlalchemy.orm import Session

from sync_core import crash, credentials
from sync_core.columns import new_id
from sync_core.config import Settings
from sync_core.credentials import Credential, TokenPair
from sync_core.db import Database
from sync_core.errors import Held, ShopsyncError
from sync_core.shopify import tokens
from sync_core.shopify.patience import Patience
from sync_core.states import Hold
from sync_core.vault import Vault

TURN = timedelta(seconds=30)
"""Longer than one question takes (shopify.tokens.TIMEOUT)."""
LOOK_SECONDS = 0.5

log = structlog.get_logger()


@dataclass(frozen=True)
class TokenRefresh:
    """Gets one shop's next pair. `lock` begins the transaction that stores it: a run's guard, or the shop's lock."""

    shop_id: str
    domain: str
    database: Database
    vault: Vault
    settings: Settings
    http: httpx.Client
    lock: Callable[[Session], object]

    def newer(self, used: Credential, *, patience: Patience) -> Credential:
        """A stored pair newer than `used`: by asking Shopify, or by waiting for whoever is asking.

        Errors: Held(reauthorise) when Shopify refuses or nothing is stored; Unavailable after the tries of
        `patience`; BadSetting without app credentials; what `lock` raises; Released while waiting.
        """
        return patience.call(lambda: self._in_turn(used, patience))

    def once(self, used: Credential) -> Credential:
        """One question and no waiting; `used` itself while somebody else is asking. Errors: as above."""
        turn = new_id()
        stored, mine = self._take_turn(used, turn)
        return self._ask(stored, turn) if mine else stored

    def _in_turn(self, used: Credential, patience: Patience) -> Credential:
        while (stored := self.once(used)).version == used.version:
            patience.wait(LOOK_SECONDS)
        return stored

    def _take_turn(self, used: Credential, turn: str) -> tuple[Credential, bool]:
        """(the stored pair, whether it is our turn to ask for its successor)"""
        with self.database.write() as session:
            now = self.database.now(session)
            until = now + TURN
            mine = credentials.take_turn(session, self.shop_id, version=used.version, by=turn, now=now, until=until)
            return self._stored(session), mine

    def _ask(self, used: Credential, turn: str) -> Credential:
        try:
            return self._store(used, self._answer(used.pair))
        except ShopsyncError as error:
            stored = self._end_turn(turn)
            if isinstance(error, Held) and stored.version != used.version:
                return stored  # refused, because somebody stored another pair meanwhile
            raise

    def _answer(self, pair: TokenPair) -> tokens.Refreshed:
        settings = self.settings
        if pair.refresh_token is not None:
            return tokens.refresh(self.domain, pair.refresh_token, settings=settings, http=self.http)
        if settings.shopify_api_key is None or settings.shopify_api_secret is None:
            raise Held(Hold.REAUTHORISE, "The access token is not valid and cannot be refreshed", status=401)
        return tokens.exchange_lasting(self.domain, pair.access_token, settings=settings, http=self.http)

    def _store(self, used: Credential, answer: tokens.Refreshed) -> Credential:
        with self.database.write() as session:
            self.lock(session)
            stored = self._stored(session)
            if stored.version != used.version:
                return stored
            now = self.database.now(session)
            pair = _next_pair(used.pair, answer, now)
            version = credentials.store(session, self.shop_id, pair, now=now, vault=self.vault)
            crash.point("token_stored")
        log.info("token.refreshed", shop=self.domain, version=version)
        return Credential(version, pair)

    def _end_turn(self, turn: str) -> Credential:
        with self.database.write() as session:
            credentials.end_turn(session, self.shop_id, turn)
            return self._stored(session)

    def _stored(self, session: Session) -> Credential:
        return load(session, self.shop_id, self.vault)


def load(session: Session, shop_id: str, vault: Vault) -> Credential:
    """The shop's pair. Errors: Held(reauthorise) when none is stored; vault.Unreadable."""
    credential = credentials.load(session, shop_id, vault)
    if credential is None:
        raise Held(Hold.REAUTHORISE, "No access token is stored for this shop")
    return credential


def _next_pair(pair: TokenPair, answer: tokens.Refreshed, now: datetime) -> TokenPair:
    return replace(
        pair,
        access_token=answer.access_token,
        refresh_token=answer.refresh_token or pair.refresh_token,
        expires_at=_after(answer.expires_in, now),
        refresh_expires_at=_after(answer.refresh_expires_in, now) or pair.refresh_expires_at,
        scopes=answer.scopes or pair.scopes,
    )


def _after(seconds: float | None, now: datetime) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=seconds)
