"""The stored tokens of shops: one row each, encrypted, with a version that a hold must match.

The `token` table is the truth; the app's accessToken mirrors it, in the format that TOKEN_FORMAT
asks for. Callers hold the shop's lock or have just inserted the shop.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from sync_core.app_models import Shop
from sync_core.models import ShopSync, Token
from sync_core.vault import Vault


@dataclass(frozen=True)
class TokenPair:
    """What Shopify handed out; never shown in a repr."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False, default=None)
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    scopes: str = ""


@dataclass(frozen=True)
class Credential:
    """A stored pair and its version."""

    version: int
    pair: TokenPair


def load(session: Session, shop_id: str, vault: Vault) -> Credential | None:
    """The shop's pair, or None when none is stored. Errors: vault.Unreadable."""
    row = session.execute(select(Token).where(Token.shop_id == shop_id)).scalar_one_or_none()
    if row is None:
        return None
    refresh_token = vault.open(row.refresh_token) if row.refresh_token else None
    access_token = vault.open(row.access_token)
    pair = TokenPair(access_token, refresh_token, row.expires_at, row.refresh_expires_at, row.scopes)
    return Credential(row.version, pair)


def store(session: Session, shop_id: str, pair: TokenPair, *, now: datetime, vault: Vault) -> int:
    """Replace the shop's pair, mirror it into the app's row, and return its new version."""
    mirrored = vault.for_app(pair.access_token)
    session.execute(
        update(Shop).where(Shop.id == shop_id).values(access_token=mirrored, scopes=pair.scopes),
        execution_options={"synchronize_session": False},
    )
    return _put(session, shop_id, pair, now=now, vault=vault, seen=mirrored)


def adopt(session: Session, shop_id: str, stored: str, *, scopes: str, now: datetime, vault: Vault) -> int:
    """Take over the token that the app wrote into its own row, which stays as it is.

    Errors: vault.Unreadable.
    """
    pair = TokenPair(vault.from_app(stored), scopes=scopes)
    return _put(session, shop_id, pair, now=now, vault=vault, seen=stored)


def erase(session: Session, shop_id: str) -> None:
    """Forget the shop's tokens, here and in the app's row."""
    session.execute(delete(Token).where(Token.shop_id == shop_id))
    session.execute(
        update(Shop).where(Shop.id == shop_id).values(access_token=""),
        execution_options={"synchronize_session": False},
    )
    _note(session, shop_id, app_token_digest=digest(""))


def digest(stored: str) -> str:
    """SHA-256 of a stored token, by which a change made by the app is noticed."""
    return hashlib.sha256(stored.encode()).hexdigest()


def _put(session: Session, shop_id: str, pair: TokenPair, *, now: datetime, vault: Vault, seen: str) -> int:
    before = session.execute(select(ShopSync.token_version).where(ShopSync.shop_id == shop_id)).scalar_one()
    session.execute(delete(Token).where(Token.shop_id == shop_id))
    session.add(
        Token(
            shop_id=shop_id,
            version=before + 1,
            access_token=vault.seal(pair.access_token),
            refresh_token=vault.seal(pair.refresh_token) if pair.refresh_token else None,
            expires_at=pair.expires_at,
            refresh_expires_at=pair.refresh_expires_at,
            scopes=pair.scopes,
            stored_at=now,
        )
    )
    session.flush()
    _note(session, shop_id, token_version=before + 1, app_token_digest=digest(seen))
    return before + 1


def _note(session: Session, shop_id: str, **values: int | str) -> None:
    session.execute(
        update(ShopSync).where(ShopSync.shop_id == shop_id).values(**values),
        execution_options={"synchronize_session": False},
    )
