"""What a shop is found by, in a table of its own; indexes for lists that had none in their order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import SYNC_SCHEMA, add_index, our_schema

revision = "0011"
down_revision = "0010"

KNOWN = """
INSERT INTO {ours}shop_search (shop_id, text)
SELECT s.shop_id, lower(s.shop_domain)
    || coalesce({newline} || p.name_folded, '') || coalesce({newline} || lower(p.primary_domain), '')
    || coalesce({newline} || lower(p.contact_email), '')
    || coalesce({newline} || replace(p.shopify_gid, 'gid://shopify/Shop/', ''), '')
FROM {ours}shop_sync s LEFT JOIN {ours}shop_profile p ON p.shop_id = s.shop_id
"""


def upgrade() -> None:
    """Nothing is lost: every text can be made again from the rows that are there."""
    op.create_table(
        "shop_search",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", name="pk_shop_search"),
        schema=SYNC_SCHEMA,
    )
    _fill()
    op.drop_index("ix_shop_sync_status", "shop_sync", schema=SYNC_SCHEMA)
    add_index("ix_shop_sync_status", "shop_sync", ["status", "shop_domain"], schema=SYNC_SCHEMA)
    rare = "path IN ('sweep', 'manual', 'api', 'cli')"
    add_index("ix_install_path", "install", ["path", "shop_id", "generation"], schema=SYNC_SCHEMA, where=rare)
    failed = "outcome IN ('failed', 'orphaned')"
    add_index("ix_sync_attempt_failed", "sync_attempt", ["ended_at"], schema=SYNC_SCHEMA, where=failed)


def _fill() -> None:
    schema = our_schema()
    newline = "chr(10)" if op.get_bind().dialect.name == "postgresql" else "char(10)"
    op.execute(KNOWN.format(ours=f'"{schema}".' if schema else "", newline=newline))
