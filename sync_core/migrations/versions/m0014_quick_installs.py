"""Durations of quick installs are rolled up apart; indexes in the order of Overview, or with all that it asks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import SYNC_SCHEMA, add_index, our_schema

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """The scheduler counts the durations again from the installs, which are kept for ever."""
    mark = sa.table("rollup_mark", sa.column("family"), schema=our_schema())
    op.execute(mark.delete().where(mark.c.family == "installs"))
    op.drop_index("ix_shop_sync_trouble", "shop_sync", schema=SYNC_SCHEMA)
    trouble = "hold IS NOT NULL OR failures > 0"
    by_hold = ["hold", "failing_since", "error_class"]
    add_index("ix_shop_sync_trouble", "shop_sync", by_hold, schema=SYNC_SCHEMA, where=trouble)
    op.drop_index("ix_shop_sync_failing", "shop_sync", schema=SYNC_SCHEMA)
    failing = ["failing_since", "hold", "attention", "due_at", "priority", "shop_id", "generation"]
    add_index("ix_shop_sync_failing", "shop_sync", failing, schema=SYNC_SCHEMA, where="failures > 0")
    op.drop_index("ix_sync_attempt_failed", "sync_attempt", schema=SYNC_SCHEMA)
    tries, failed = ["ended_at", "shop_id", "generation", "error_class", "outcome"], "outcome IN ('failed', 'orphaned')"
    add_index("ix_sync_attempt_failed", "sync_attempt", tries, schema=SYNC_SCHEMA, where=failed)
    op.drop_index("ix_install_unsynced", "install", schema=SYNC_SCHEMA)
    whole = ["success_deadline", "installed_at", "first_synced_at", "withdrawn_at", "watched", "path", "shop_id"]
    late = "first_synced_at IS NULL OR first_synced_at > success_deadline"
    add_index("ix_install_unsynced", "install", [*whole, "generation"], schema=SYNC_SCHEMA, where=late)
    slow = "first_synced_at IS NULL OR first_synced_at > pickup_deadline"
    backwards = "first_synced_at < installed_at OR withdrawn_at < installed_at"
    add_index("ix_install_slow", "install", ["installed_at"], schema=SYNC_SCHEMA, where=f"{slow} OR {backwards}")
