"""Estimated starts, written down to be compared with what then happens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import MOMENT, SYNC_SCHEMA, add_index

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "start_estimate",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_start_estimate"),
        sa.UniqueConstraint("shop_id", "fence", name="uq_start_estimate_shop_id_fence"),
        schema=SYNC_SCHEMA,
    )
    add_index("ix_start_estimate_open", "start_estimate", ["starts_at"], schema=SYNC_SCHEMA, where="settled_at IS NULL")
    settled = "settled_at IS NOT NULL"
    add_index("ix_start_estimate_settled", "start_estimate", ["settled_at"], schema=SYNC_SCHEMA, where=settled)
