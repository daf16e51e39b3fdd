"""Collections with membership, pages, blogs, articles, policies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync_core.migrations.tables import MOMENT, SYNC_SCHEMA, add_index

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create the tables of what is read only where it is asked for."""
    _collection()
    _collection_product()
    _page()
    _blog()
    _article()
    _policy()


def _synced(name: str, owner: str, *columns: sa.Column[object], index: str) -> None:
    """A table of Shopify's objects: our id, whose it is, Shopify's id."""
    op.create_table(
        name,
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column(owner, sa.Text(), nullable=False),
        sa.Column("shopify_id", sa.Text(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.UniqueConstraint("shopify_id", name=f"uq_{name}_shopify_id"),
        schema=SYNC_SCHEMA,
    )
    add_index(index, name, [owner], schema=SYNC_SCHEMA)


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, MOMENT, nullable=nullable)


def _collection() -> None:
    columns = [_text(name) for name in ("title", "handle", "description_html", "sort_order")]
    last = (_text("image_url", nullable=True), _moment("updated_at"))
    _synced("collection", "shop_id", *columns, *last, index="ix_collection_shop")


def _collection_product() -> None:
    _synced("collection_product", "collection_id", _text("product_id"), index="ix_collection_product_collection")


def _page() -> None:
    texts = [_text(name) for name in ("title", "handle", "body")]
    moments = (_moment("published_at", nullable=True), _moment("created_at"), _moment("updated_at"))
    _synced("page", "shop_id", *texts, *moments, index="ix_page_shop")


def _blog() -> None:
    columns = (_text("title"), _text("handle"), _moment("created_at"), _moment("updated_at"))
    _synced("blog", "shop_id", *columns, index="ix_blog_shop")


def _article() -> None:
    texts = [_text(name, nullable=name == "summary") for name in ("blog_id", "title", "handle", "body", "summary")]
    moments = (_moment("published_at", nullable=True), _moment("created_at"), _moment("updated_at"))
    _synced("article", "shop_id", *texts, _text("tags"), *moments, index="ix_article_shop")


def _policy() -> None:
    texts = [_text(name) for name in ("kind", "title", "body", "url")]
    _synced("policy", "shop_id", *texts, _moment("created_at"), _moment("updated_at"), index="ix_policy_shop")
