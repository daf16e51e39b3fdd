"""Merchants who have installed the app, put into the database through the product's own verb."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import func, select

from sync_core import install
from sync_core.credentials import TokenPair
from sync_core.db import Database
from sync_core.models import ShopSync, SyncAttempt
from sync_core.sandbox.control import SandboxControl
from sync_core.vault import open_vault
from tests.journeys.processes import Stage


class Shopify(Protocol):
    """A sandbox, wherever it runs."""

    @property
    def control(self) -> SandboxControl: ...


def install_shops(stage: Stage, sandbox: Shopify, domains: list[str], *, ago: timedelta) -> None:
    """Each shop installed `ago`, with a token that the sandbox honours."""
    database, vault = stage.database(), open_vault(stage.settings)
    pairs = {domain: _pair(sandbox, domain) for domain in domains}
    with database.write() as session:
        at = database.now(session) - ago
        for domain, pair in pairs.items():
            install.register(
                session, domain=domain, pair=pair, authorised_at=at, now=at, settings=stage.settings, vault=vault
            )


def _pair(sandbox: Shopify, domain: str) -> TokenPair:
    made = sandbox.control.mint(domain)
    return TokenPair(made["access_token"], made["refresh_token"], scopes=made["scope"])


def statuses(database: Database) -> Counter[str]:
    """How many shops have each status."""
    with database.read() as session:
        rows = session.execute(select(ShopSync.status, func.count()).group_by(ShopSync.status))
        return Counter({row.status: row[1] for row in rows})


def attempts(database: Database, domain: str) -> list[SyncAttempt]:
    """The shop's attempts, oldest first."""
    query = select(SyncAttempt).join(ShopSync, ShopSync.shop_id == SyncAttempt.shop_id)
    query = query.where(ShopSync.shop_domain == domain).order_by(SyncAttempt.requested_at, SyncAttempt.id)
    with database.read() as session:
        return list(session.execute(query).scalars())


def claims_per_shop(database: Database) -> Counter[int]:
    """How many shops were claimed how often."""
    per_shop = select(func.count().label("n")).where(SyncAttempt.claimed_at.is_not(None)).group_by(SyncAttempt.shop_id)
    with database.read() as session:
        return Counter(n for (n,) in session.execute(per_shop))


def last_moment(database: Database) -> datetime:
    with database.read() as session:
        return database.now(session)
