"""A run's access token: loaded, refreshed before it ends, and once more when Shopify says 401.

Only the run that holds the claim refreshes, and what it stores begins with the guard. A pair that
somebody else stored meanwhile (a new authorisation) wins over ours.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import httpx
import structlog

from sync_core import crash, credentials, lifecycle
from sync_core.config import Settings
from sync_core.credentials import Credential, TokenPair
from sync_core.db import Database
from sync_core.errors import Held, Unavailable
from sync_core.lifecycle import Claim
from sync_core.shopify import tokens
from sync_core.shopify.patience import Patience
from sync_core.states import Hold
from sync_core.vault import Vault

REFRESH_BEFORE = timedelta(minutes=10)

log = structlog.get_logger()


class Access:
    """The token of one claimed shop. `version` is that of the pair in use: a hold must match it."""

    def __init__(
        self, claim: Claim, *, database: Database, vault: Vault, settings: Settings, http: httpx.Client
    ) -> None:
        self._claim = claim
        self._database = database
        self._vault = vault
        self._settings = settings
        self._http = http
        self._credential = self._load()

    @property
    def token(self) -> str:
        return self._credential.pair.access_token

    @property
    def version(self) -> int:
        return self._credential.version

    def keep_fresh(self, now: datetime, *, patience: Patience) -> None:
        """Refresh when less than 10 minutes remain; a refresh that gets no answer waits for the 401."""
        pair = self._credential.pair
        if pair.refresh_token is None or pair.expires_at is None or pair.expires_at - now >= REFRESH_BEFORE:
            return
        try:
            self._refresh(patience)
        except Unavailable as error:
            log.warning("token.not_refreshed", shop=self._claim.shop_domain, error=str(error))

    def replace(self, refused: str, *, patience: Patience) -> str:
        """A token other than `refused`. Errors: Held(reauthorise) when there is none; Unavailable."""
        stored = self._load()
        if stored.pair.access_token == refused:
            self._refresh(patience)
        else:
            self._credential = stored
        return self.token

    def _refresh(self, patience: Patience) -> None:
        used = self._credential
        refresh_token = used.pair.refresh_token
        if refresh_token is None:
            raise Held(Hold.REAUTHORISE, "The access token is not valid and cannot be refreshed", status=401)
        # A lost answer is asked for again with the same refresh token: Shopify then repeats it.
        domain = self._claim.shop_domain
        answer = patience.call(lambda: tokens.refresh(domain, refresh_token, settings=self._settings, http=self._http))
        self._credential = self._store(used, answer)
        log.info("token.refreshed", shop=domain, version=self.version)

    def _store(self, used: Credential, answer: tokens.Refreshed) -> Credential:
        with self._database.write() as session:
            lifecycle.guard(session, self._claim)
            now = self._database.now(session)
            stored = credentials.load(session, self._claim.shop_id, self._vault)
            if stored is not None and stored.version != used.version:
                return stored
            pair = _next_pair(used.pair, answer, now)
            version = credentials.store(session, self._claim.shop_id, pair, now=now, vault=self._vault)
            crash.point("token_stored")
            return Credential(version, pair)

    def _load(self) -> Credential:
        with self._database.read() as session:
            credential = credentials.load(session, self._claim.shop_id, self._vault)
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
