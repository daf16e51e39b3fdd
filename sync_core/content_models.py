"""What we keep of a shop beyond what the app has: collections with membership, pages, blogs, articles, policies.

Tables of ours, one row a Shopify object, told apart by its numeric id (`shopify_id`). A reference to another object is
Shopify's id too, so that each may be read, or left out, without the other.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from sync_core.columns import UtcMs, new_id
from sync_core.models import Base, index

SERVES = "sync: what we hold of a shop; erasing it"


class Collection(Base):
    """A collection; Shopify tells no moment of its creation."""

    __tablename__ = "collection"
    __table_args__ = (index("ix_collection_shop", "shop_id", serves=SERVES),)

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    shop_id: Mapped[str] = mapped_column(Text)
    shopify_id: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    handle: Mapped[str] = mapped_column(Text)
    description_html: Mapped[str] = mapped_column(Text)
    sort_order: Mapped[str] = mapped_column(Text)
    image_url: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(UtcMs)


class CollectionProduct(Base):
    """A product in a collection, by hand or by a rule."""

    __tablename__ = "collection_product"
    __table_args__ = (
        index("ix_collection_product_collection", "collection_id", serves="sync: members of the collections of a page"),
    )

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    collection_id: Mapped[str] = mapped_column(Text)
    """Our collection's id."""
    shopify_id: Mapped[str] = mapped_column(Text, unique=True)
    """collection/product, by Shopify's ids: it gives a membership no id of its own."""
    product_id: Mapped[str] = mapped_column(Text)
    """Shopify's id of the product."""


class Page(Base):
    """A page of the online store; not published: `published_at` is null."""

    __tablename__ = "page"
    __table_args__ = (index("ix_page_shop", "shop_id", serves=SERVES),)

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    shop_id: Mapped[str] = mapped_column(Text)
    shopify_id: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    handle: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime | None] = mapped_column(UtcMs)
    created_at: Mapped[datetime] = mapped_column(UtcMs)
    updated_at: Mapped[datetime] = mapped_column(UtcMs)


class Blog(Base):
    __tablename__ = "blog"
    __table_args__ = (index("ix_blog_shop", "shop_id", serves=SERVES),)

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    shop_id: Mapped[str] = mapped_column(Text)
    shopify_id: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    handle: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcMs)
    updated_at: Mapped[datetime] = mapped_column(UtcMs)


class Article(Base):
    """An article of a blog; its author is a person and not kept."""

    __tablename__ = "article"
    __table_args__ = (index("ix_article_shop", "shop_id", serves=SERVES),)

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    shop_id: Mapped[str] = mapped_column(Text)
    shopify_id: Mapped[str] = mapped_column(Text, unique=True)
    blog_id: Mapped[str] = mapped_column(Text)
    """Shopify's id of the blog."""
    title: Mapped[str] = mapped_column(Text)
    handle: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    summary: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[str] = mapped_column(Text)
    """Comma separated, in Shopify's order."""
    published_at: Mapped[datetime | None] = mapped_column(UtcMs)
    created_at: Mapped[datetime] = mapped_column(UtcMs)
    updated_at: Mapped[datetime] = mapped_column(UtcMs)


class Policy(Base):
    """One of the shop's legal texts."""

    __tablename__ = "policy"
    __table_args__ = (index("ix_policy_shop", "shop_id", serves=SERVES),)

    id: Mapped[str] = mapped_column(Text, primary_key=True, default=new_id)
    shop_id: Mapped[str] = mapped_column(Text)
    shopify_id: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    """Shopify's type: REFUND_POLICY and so on."""
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcMs)
    updated_at: Mapped[datetime] = mapped_column(UtcMs)
