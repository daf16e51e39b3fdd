"""Every stored token sealed anew with the first of TOKEN_KEYS, so that the others may go.

Beside running syncs: a token's version stays, so nobody's claim, hold or refresh notices. A run that was
stopped is begun again and passes over what is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import func, select

from sync_core import credentials, lifecycle
from sync_core.db import Database
from sync_core.models import Token
from sync_core.vault import Unreadable, Vault

BATCH = 200


@dataclass
class Rotated:
    """How far it is: tokens seen, of them sealed anew; ids of shops whose token no key opens."""

    seen: int = 0
    sealed: int = 0
    unreadable: list[str] = field(default_factory=list)


def count(database: Database) -> int:
    """How many tokens are stored."""
    with database.read() as session:
        return session.execute(select(func.count()).select_from(Token)).scalar_one()


def rotate(database: Database, vault: Vault, *, batch: int = BATCH) -> Iterator[Rotated]:
    """Seal them all, yielding after each batch how far it is. Errors: database errors pass through."""
    done, last = Rotated(), ""
    while shops := _after(database, last, batch):
        for shop_id in shops:
            _rotate_one(database, vault, shop_id, done)
        last = shops[-1]
        yield done


def _after(database: Database, last: str, limit: int) -> list[str]:
    query = select(Token.shop_id).where(Token.shop_id > last).order_by(Token.shop_id).limit(limit)
    with database.read() as session:
        return list(session.execute(query).scalars())


def _rotate_one(database: Database, vault: Vault, shop_id: str, done: Rotated) -> None:
    """A transaction each: several shops locked in this order would meet the sweep's, locked in another."""
    done.seen += 1
    try:
        with database.read() as session:
            current = credentials.is_current(session, shop_id, vault)
        if not current:
            with database.write() as session:
                lifecycle.locked(session, shop_id)
                credentials.reseal(session, shop_id, vault)
            done.sealed += 1
    except Unreadable:
        done.unreadable.append(shop_id)
