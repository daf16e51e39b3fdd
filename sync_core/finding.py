"""What a shop is found by: one text a shop, in small letters, written wherever one of its parts is.

Pages look for any part of it. PostgreSQL serves that by trigrams where its extension pg_trgm may be made;
without it, and on SQLite, the texts are read through: a narrow table, not the shops themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import func, literal, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sync_core.db import insert_into
from sync_core.models import SYNC_SCHEMA, ShopSearch, ShopSync

PARTS = ("name", "primary_domain", "contact_email", "shopify_gid")
"""Of a profile; the shop's own domain comes first."""
INDEX = "ix_shop_search_trigrams"

OFFERED = text("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
INSTALLED = text(
    "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
    "WHERE e.extname = 'pg_trgm'"
)
EXTENSION = text("CREATE EXTENSION pg_trgm")

log = structlog.get_logger()


def know(session: Session, shop_id: str, profile: Mapping[str, Any] | None = None) -> None:
    """Write what this shop is found by: its domain, and what its profile says."""
    rest = "".join(f"\n{_folded(profile[part])}" for part in PARTS if profile.get(part)) if profile else ""
    found = select(ShopSync.shop_id, func.lower(ShopSync.shop_domain).concat(literal(rest)))
    new = insert_into(session, ShopSearch).from_select(["shop_id", "text"], found.where(ShopSync.shop_id == shop_id))
    changed = ShopSearch.text != new.excluded.text
    session.execute(
        new.on_conflict_do_update(index_elements=["shop_id"], set_={"text": new.excluded.text}, where=changed)
    )


def _folded(part: str) -> str:
    return part.removeprefix("gid://shopify/Shop/").casefold()


def index(connection: Connection) -> None:
    """Make the trigrams' index where there is none and the server lets us; nothing to do on SQLite."""
    if connection.dialect.name != "postgresql" or not _trigrams(connection):
        return
    schema = connection.get_execution_options()["schema_translate_map"][SYNC_SCHEMA]
    operators = f"{connection.execute(INSTALLED).scalar_one()}.gin_trgm_ops"
    made = f'CREATE INDEX IF NOT EXISTS {INDEX} ON "{schema}".shop_search USING gin (text {operators})'
    connection.execute(text(made))


def _trigrams(connection: Connection) -> bool:
    """Whether the extension is there; made where the server offers it and our role may."""
    if connection.execute(INSTALLED).first():
        return True
    if not connection.execute(OFFERED).first():
        return False
    try:
        with connection.begin_nested():
            connection.execute(EXTENSION)
    except DBAPIError as error:
        log.warning("search.without_trigrams", error=type(error.orig).__name__)
        return False
    return True
