"""Tokens: whose turn it is to refresh one, and when an unused one is refreshed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import MOMENT, SYNC_SCHEMA, add_index, our_schema

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; what is stored already is renewed 30 days after it was stored."""
    for name, kind in (("refreshing_by", sa.Text()), ("refreshing_until", MOMENT), ("renew_at", MOMENT)):
        op.add_column("token", sa.Column(name, kind), schema=our_schema())
    add_index("ix_token_renew", "token", ["renew_at"], schema=SYNC_SCHEMA, where="renew_at IS NOT NULL")
    _renew_in_30_days()


def _renew_in_30_days() -> None:
    names = ("renew_at", "refresh_token", "stored_at")
    token = sa.table("token", *(sa.column(name) for name in names), schema=our_schema())
    in_sqlite = sa.func.strftime("%Y-%m-%d %H:%M:%f000", token.c.stored_at, "+30 days")
    in_postgres = token.c.stored_at + sa.literal_column("interval '30 days'")
    moment = in_sqlite if op.get_bind().dialect.name == "sqlite" else in_postgres
    op.execute(sa.update(token).where(token.c.refresh_token.is_not(None)).values(renew_at=moment))
