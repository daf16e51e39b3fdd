"""Roll-ups of closed hours, and the indexes for what stands out of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import MOMENT, SYNC_SCHEMA, add_index

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Nothing had written roll-ups before: their tables are made anew."""
    op.drop_table("rollup_hour", schema=SYNC_SCHEMA)
    op.drop_table("rollup_duration", schema=SYNC_SCHEMA)
    _rollups()
    unsynced = "first_synced_at IS NULL OR first_synced_at > success_deadline"
    untaken = "first_claimed_at IS NULL OR first_claimed_at > pickup_deadline"
    spoiled = "outcome IN ('failed', 'orphaned', 'stolen')"
    add_index("ix_shop_sync_failing", "shop_sync", ["failing_since"], schema=SYNC_SCHEMA, where="failures > 0")
    add_index("ix_install_unsynced", "install", ["success_deadline"], schema=SYNC_SCHEMA, where=unsynced)
    add_index("ix_install_untaken", "install", ["pickup_deadline"], schema=SYNC_SCHEMA, where=untaken)
    handled = "handled_at IS NOT NULL"
    add_index("ix_webhook_inbox_handled", "webhook_inbox", ["handled_at"], schema=SYNC_SCHEMA, where=handled)
    add_index("ix_sync_attempt_spoiled", "sync_attempt", ["shop_id", "ended_at"], schema=SYNC_SCHEMA, where=spoiled)


def _rollups() -> None:
    op.create_table(
        "rollup_hour",
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("family", "hour", "figure", name="pk_rollup_hour"),
        schema=SYNC_SCHEMA,
    )
    op.create_table(
        "rollup_duration",
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "path", "kind", "seconds", name="pk_rollup_duration"),
        schema=SYNC_SCHEMA,
    )
    op.create_table(
        "rollup_mark",
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("seen_id", sa.Text(), nullable=False, server_default=""),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("family", name="pk_rollup_mark"),
        schema=SYNC_SCHEMA,
    )
