"""Words that the migrations share. Frozen like them: never change what is here, add to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

SYNC_SCHEMA = "shopsync"
"""Placeholder for our schema; `db` maps it to DB_SCHEMA, and to none on SQLite."""

MOMENT = sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=3), "postgresql")


def add_index(
    name: str,
    table: str,
    columns: list[str],
    *,
    schema: str | None = None,
    where: str | None = None,
    unique: bool = False,
) -> None:
    """Create an index; with `where` a partial one, on both engines."""
    clause = sa.text(where) if where else None
    op.create_index(name, table, columns, schema=schema, unique=unique, postgresql_where=clause, sqlite_where=clause)


def our_schema() -> str | None:
    """The real name of our schema, None on SQLite: Alembic's ALTER TABLE does not read the placeholder's map."""
    mapped = op.get_bind().get_execution_options()["schema_translate_map"]
    name: str | None = mapped[SYNC_SCHEMA]
    return name
