"""What is remembered of a bulk file while it is being stored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import SYNC_SCHEMA, add_index

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create `bulk_item`."""
    op.create_table(
        "bulk_item",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shopify_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text()),
        sa.PrimaryKeyConstraint("shop_id", "kind", "shopify_id", name="pk_bulk_item"),
        schema=SYNC_SCHEMA,
    )
    add_index(
        "ix_bulk_item_waiting",
        "bulk_item",
        ["shop_id", "kind", "shopify_id"],
        schema=SYNC_SCHEMA,
        where="body IS NOT NULL",
    )
