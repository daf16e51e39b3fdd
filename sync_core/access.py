"""A run's access token: loaded, refreshed before it ends, and once more when Shopify says 401.

What the run stores begins with its guard. A pair that somebody else stored meanwhile (a new
authorisation, another process) wins over ours.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import structlog
from sqlalchemy.orm import Session

from sync_core import lifecycle, token_refresh
from sync_core.config import Settings
from sync_core.credentials import Credential
from sync_core.db import Database
from sync_core.errors import Unavailable
from sync_core.lifecycle import Claim
from sync_core.shopify.patience import Patience
from sync_core.token_refresh import TokenRefresh
from sync_core.vault import Vault

REFRESH_BEFORE = timedelta(minutes=10)
AGAIN_AFTER = timedelta(minutes=1)
"""After a refresh that got no answer. The token still opens the shop, so the pages go on meanwhile."""

log = structlog.get_logger()


class Access:
    """The token of one claimed shop. `version` is that of the pair in use: a hold must match it."""

    def __init__(
        self, claim: Claim, *, database: Database, vault: Vault, settings: Settings, http: httpx.Client
    ) -> None:
        self._claim = claim
        self._database = database
        self._vault = vault
        self._refresh = TokenRefresh(claim.shop_id, claim.shop_domain, database, vault, settings, http, self._guard)
        self._rests_until: datetime | None = None
        self._credential = self._load()

    @property
    def token(self) -> str:
        return self._credential.pair.access_token

    @property
    def version(self) -> int:
        return self._credential.version

    def keep_fresh(self, now: datetime) -> None:
        """Refresh when less than 10 minutes remain, and wait for nobody: at the latest the 401 does.

        Errors: Held(reauthorise) when Shopify refuses; StaleClaim.
        """
        if not self._ends_soon(now) or (self._rests_until and now < self._rests_until):
            return
        try:
            self._credential = self._refresh.once(self._credential)
        except Unavailable as error:
            self._rests_until = now + AGAIN_AFTER
            log.warning("token.not_refreshed", shop=self._claim.shop_domain, error=str(error))

    def replace(self, refused: str, *, patience: Patience) -> str:
        """A token other than `refused`. Errors: Held(reauthorise) when there is none; Unavailable; StaleClaim."""
        stored = self._load()
        known = stored.pair.access_token == refused
        self._credential = self._refresh.newer(stored, patience=patience) if known else stored
        return self.token

    def _ends_soon(self, now: datetime) -> bool:
        pair = self._credential.pair
        if pair.refresh_token is None or pair.expires_at is None:
            return False
        return pair.expires_at - now < REFRESH_BEFORE

    def _load(self) -> Credential:
        with self._database.read() as session:
            return token_refresh.load(session, self._claim.shop_id, self._vault)

    def _guard(self, session: Session) -> None:
        lifecycle.guard(session, self._claim)
