"""Since when a shop is blocked: a probe changes `since`, and the trouble may have begun before the block."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import MOMENT, our_schema

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Of shops that are blocked already: when they became so, else when they last changed."""
    op.add_column("shop_sync", sa.Column("held_since", MOMENT), schema=our_schema())
    shop, step = _shop_sync(), _transition()
    became = sa.and_(
        step.c.shop_id == shop.c.shop_id, step.c.to_hold == shop.c.hold, step.c.from_hold.is_distinct_from(shop.c.hold)
    )
    when = sa.select(sa.func.max(step.c.at)).where(became).scalar_subquery()
    held = shop.update().where(shop.c.hold.is_not(None))
    op.execute(held.values(held_since=sa.func.coalesce(when, shop.c.since)))


def _shop_sync() -> sa.TableClause:
    names = ("shop_id", "hold", "since", "held_since")
    return sa.table("shop_sync", *(sa.column(name) for name in names), schema=our_schema())


def _transition() -> sa.TableClause:
    names = ("shop_id", "at", "from_hold", "to_hold")
    return sa.table("transition", *(sa.column(name) for name in names), schema=our_schema())
