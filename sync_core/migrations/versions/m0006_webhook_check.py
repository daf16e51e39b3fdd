"""What was found when a shop's webhook subscriptions were looked at last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import MOMENT, SYNC_SCHEMA, add_index

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "webhook_check",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.PrimaryKeyConstraint("shop_id", name="pk_webhook_check"),
        schema=SYNC_SCHEMA,
    )
    add_index("ix_webhook_check_problem", "webhook_check", ["shop_id"], schema=SYNC_SCHEMA, where="problem IS NOT NULL")
