"""Messages of alerts with their delivery, and the last word to the dead man's switch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import MOMENT, SYNC_SCHEMA, add_index, our_schema

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Move what was delivered from the alert to its messages: an alert has several."""
    _alert()
    _alert_message()
    op.add_column("heartbeat", sa.Column("pinged_at", MOMENT), schema=our_schema())
    op.add_column("heartbeat", sa.Column("ping_error", sa.Text()), schema=our_schema())


def _alert() -> None:
    op.drop_column("alert", "delivered_at", schema=our_schema())
    op.drop_column("alert", "delivery_error", schema=our_schema())
    op.add_column("alert", sa.Column("judged_at", MOMENT), schema=our_schema())
    add_index("ix_alert_opened", "alert", ["opened_at"], schema=SYNC_SCHEMA)


def _alert_message() -> None:
    op.create_table(
        "alert_message",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reached", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("sent_at", MOMENT),
        sa.Column("dropped_at", MOMENT),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_alert_message"),
        sa.UniqueConstraint("alert_id", "event", name="uq_alert_message_alert_id_event"),
        schema=SYNC_SCHEMA,
    )
    add_index(
        "ix_alert_message_pending",
        "alert_message",
        ["next_at"],
        schema=SYNC_SCHEMA,
        where="sent_at IS NULL AND dropped_at IS NULL",
    )
