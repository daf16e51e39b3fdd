"""What the database says of every shop: read after each step, compared with what the world knows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from sync_core.app_models import Product, Shop
from sync_core.models import ShopSync, SyncAttempt, Token, Transition
from sync_core.states import Hold, Status
from sync_core.vault import Vault


@dataclass(frozen=True)
class Open:
    """The shop's open attempt."""

    id: str
    claimed: bool
    fence: int | None
    trigger: str
    mode: str
    actor: str | None
    reason: str | None

    @property
    def words(self) -> tuple[str | None, ...]:
        return self.trigger, self.mode, self.actor, self.reason


@dataclass(frozen=True)
class Row:
    """A stored product: which generation and which step of the test wrote it."""

    generation: int
    step: int


@dataclass(frozen=True)
class Look:
    """One shop in the database; `status` is None while we do not know it, `id` while the app does not."""

    id: str | None = None
    app_status: str | None = None
    app_token: str = ""
    app_installed_at: datetime | None = None
    uninstalled_at: datetime | None = None
    status: str | None = None
    hold: str | None = None
    generation: int = 0
    fence: int = 0
    failures: int = 0
    priority: int = 0
    due_at: datetime | None = None
    wake_at: datetime | None = None
    first_synced_at: datetime | None = None
    installed_at: datetime | None = None
    authorised_at: datetime | None = None
    token_version: int = 0
    cursor: str = ""
    attempt: Open | None = None
    rows: tuple[tuple[str, Row], ...] = ()
    token: str | None = None

    @property
    def known(self) -> bool:
        return self.status is not None

    @property
    def running(self) -> bool:
        return self.status == Status.IN_PROGRESS

    @property
    def gone(self) -> bool:
        return self.hold == Hold.UNINSTALLED

    @property
    def request(self) -> Open | None:
        """The open attempt that nobody has claimed yet."""
        return self.attempt if self.attempt is not None and not self.attempt.claimed else None


@dataclass(frozen=True)
class Move:
    """One row of the transition table."""

    before: tuple[str | None, str | None]
    after: tuple[str, str | None]
    generation: int


NOBODY = Look()
APP = {
    "id": Shop.id,
    "app_status": Shop.sync_status,
    "app_token": Shop.access_token,
    "app_installed_at": Shop.installed_at,
    "uninstalled_at": Shop.uninstalled_at,
}
OURS = (
    "status hold generation fence failures priority due_at wake_at first_synced_at installed_at authorised_at".split()
)
ATTEMPT = "id fence trigger mode actor reason claimed_at".split()
COLUMNS = [
    Shop.shop_domain.label("domain"),
    *(column.label(name) for name, column in APP.items()),
    *(getattr(ShopSync, name).label(name) for name in (*OURS, "token_version")),
    ShopSync.cursor.label("cursor"),
    *(getattr(SyncAttempt, name).label(f"attempt_{name}") for name in ATTEMPT),
]
OPEN = and_(SyncAttempt.shop_id == Shop.id, SyncAttempt.ended_at.is_(None))
SHOPS = select(*COLUMNS).outerjoin(ShopSync, ShopSync.shop_id == Shop.id).outerjoin(SyncAttempt, OPEN)
PRODUCTS = select(Product.shop_id, Product.shopify_id, Product.title)
TOKENS = select(Token.shop_id, Token.access_token)
MOVES = select(
    Transition.shop_id,
    Transition.from_status,
    Transition.from_hold,
    Transition.to_status,
    Transition.to_hold,
    Transition.generation,
)


class Reader:
    """Reads all shops at once; remembers what it has decrypted."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._opened: dict[str, str] = {}

    def looks(self, session: Session) -> dict[str, Look]:
        """By domain. Two open attempts of one shop show as an AssertionError."""
        rows: dict[str, list[tuple[str, Row]]] = {}
        for shop_id, page, title in session.execute(PRODUCTS.order_by(Product.shopify_id)):
            rows.setdefault(shop_id, []).append((page, Row(*map(int, title.split("/")))))
        tokens = {shop_id: self._open(sealed) for shop_id, sealed in session.execute(TOKENS)}
        found: dict[str, Look] = {}
        for row in session.execute(SHOPS).mappings():
            assert row["domain"] not in found, f"TWO-OPEN: {row['domain']} has two open attempts"
            found[row["domain"]] = _look(row, rows, tokens)
        return found

    def moves(self, session: Session, since: datetime) -> dict[str, list[Move]]:
        """The transitions from `since` on, by shop id."""
        found: dict[str, list[Move]] = {}
        query = MOVES.where(Transition.at >= since).order_by(Transition.at, Transition.id)
        for shop_id, from_status, from_hold, to_status, to_hold, generation in session.execute(query):
            move = Move((from_status, from_hold), (to_status, to_hold), generation)
            found.setdefault(shop_id, []).append(move)
        return found

    def _open(self, sealed: str) -> str:
        if sealed not in self._opened:
            self._opened[sealed] = self._vault.open(sealed)
        return self._opened[sealed]


def _look(row: Any, rows: dict[str, list[tuple[str, Row]]], tokens: dict[str, str]) -> Look:
    shop_id = row["id"]
    app = {name: row[name] for name in APP}
    if row["status"] is None:
        return Look(**app)
    own = {name: row[name] for name in (*OURS, "token_version")}
    cursor = json.dumps(row["cursor"], sort_keys=True)
    stored = tuple(rows.get(shop_id, ()))
    return Look(**app, **own, cursor=cursor, attempt=_attempt(row), rows=stored, token=tokens.get(shop_id))


def _attempt(row: Any) -> Open | None:
    if row["attempt_id"] is None:
        return None
    fields = {name: row[f"attempt_{name}"] for name in ATTEMPT if name != "claimed_at"}
    return Open(claimed=row["attempt_claimed_at"] is not None, **fields)
