"""An index in the order of the Shops page's newest first, read backwards."""

from __future__ import annotations

from sync_core.migrations.tables import SYNC_SCHEMA, add_index

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the index."""
    add_index("ix_shop_sync_newest", "shop_sync", ["installed_at", "shop_id"], schema=SYNC_SCHEMA)
