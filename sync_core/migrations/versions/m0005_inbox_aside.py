"""An index of the messages that could not be worked: seldom any, so it is all but empty."""

from __future__ import annotations

from sync_core.migrations.tables import SYNC_SCHEMA, add_index

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the index."""
    add_index(
        "ix_webhook_inbox_aside",
        "webhook_inbox",
        ["handled_at"],
        schema=SYNC_SCHEMA,
        where="result LIKE 'set aside: %'",
    )
