"""The stored tokens of shops: one row each, encrypted, with a version that a hold must match.

The `token` table is the truth; the app's accessToken mirrors it, in the format that TOKEN_FORMAT
asks for. Callers hold the shop's lock or have just inserted the shop; a turn needs no lock.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, or_, select, update
from sqlalchemy.orm import Session

from sync_core.app_models import Shop
from sync_core.models import ShopSync, Token
from sync_core.vault import Vault, is_ours

MONTH = timedelta(days=30)
UNSYNCED = {"synchronize_session": False}


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
        execution_options=UNSYNCED,
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
        execution_options=UNSYNCED,
    )
    _note(session, shop_id, app_token_digest=digest(""))


def is_current(session: Session, shop_id: str, vault: Vault) -> bool:
    """Whether the first key sealed all that is stored of this shop's tokens; true when nothing is."""
    row = session.get(Token, shop_id)
    if row is None:
        return True
    mirrored = _mirrored(session, shop_id)
    return vault.is_current(row.access_token) and (not is_ours(mirrored) or vault.is_current(mirrored))


def reseal(session: Session, shop_id: str, vault: Vault) -> None:
    """Seal the shop's tokens with the first key; the version stays. Errors: vault.Unreadable."""
    row = session.get(Token, shop_id)
    if row is None:
        return
    row.access_token = vault.rotate(row.access_token)
    row.refresh_token = vault.rotate(row.refresh_token) if row.refresh_token else None
    mirrored = _mirrored(session, shop_id)
    if is_ours(mirrored):
        _reseal_mirror(session, shop_id, mirrored, vault.for_app(vault.open(mirrored)))


def take_turn(session: Session, shop_id: str, *, version: int, by: str, now: datetime, until: datetime) -> bool:
    """Whether it is `by`'s turn to ask Shopify for the pair after `version`: one has it at a time, until a moment."""
    free = or_(Token.refreshing_until.is_(None), Token.refreshing_until <= now)
    turn = update(Token).where(Token.shop_id == shop_id, Token.version == version, free)
    taken = session.execute(turn.values(refreshing_by=by, refreshing_until=until), execution_options=UNSYNCED)
    return cast(CursorResult[Any], taken).rowcount == 1


def end_turn(session: Session, shop_id: str, by: str) -> None:
    """Let the next one ask. A new pair ends the turn by itself."""
    mine = update(Token).where(Token.shop_id == shop_id, Token.refreshing_by == by)
    session.execute(mine.values(refreshing_by=None, refreshing_until=None), execution_options=UNSYNCED)


def put_off(session: Session, shop_id: str, *, until: datetime) -> None:
    """Leave an unused pair alone until then; one that is due later stays as it is."""
    sooner = update(Token).where(Token.shop_id == shop_id, Token.renew_at < until)
    session.execute(sooner.values(renew_at=until), execution_options=UNSYNCED)


def digest(stored: str) -> str:
    """SHA-256 of a stored token, by which a change made by the app is noticed."""
    return hashlib.sha256(stored.encode()).hexdigest()


def _mirrored(session: Session, shop_id: str) -> str:
    return session.execute(select(Shop.access_token).where(Shop.id == shop_id)).scalar_one()


def _reseal_mirror(session: Session, shop_id: str, old: str, new: str) -> None:
    """With the digest by which a change of the app's is noticed; what the app writes meanwhile stays."""
    row = update(Shop).where(Shop.id == shop_id, Shop.access_token == old).values(access_token=new)
    ours = update(ShopSync).where(ShopSync.shop_id == shop_id, ShopSync.app_token_digest == digest(old))
    if cast(CursorResult[Any], session.execute(row, execution_options=UNSYNCED)).rowcount:
        session.execute(ours.values(app_token_digest=digest(new)), execution_options=UNSYNCED)


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
            renew_at=_renew_at(pair, now),
        )
    )
    session.flush()
    _note(session, shop_id, token_version=before + 1, app_token_digest=digest(seen))
    return before + 1


def _renew_at(pair: TokenPair, now: datetime) -> datetime | None:
    """When an unused pair is refreshed: after 30 of its 90 days, a little earlier by chance so that they spread."""
    if pair.refresh_token is None:
        return None
    life = (pair.refresh_expires_at - now) / 3 if pair.refresh_expires_at else MONTH
    return now + min(life, MONTH) * random.uniform(0.9, 1.0)


def _note(session: Session, shop_id: str, **values: int | str) -> None:
    session.execute(
        update(ShopSync).where(ShopSync.shop_id == shop_id).values(**values),
        execution_options=UNSYNCED,
    )
