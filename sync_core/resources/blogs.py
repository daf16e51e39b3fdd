"""Blogs and their articles, two resources: a blog may have more articles than one answer holds.

Shopify sends no message of either, sorts blogs by no change, and counts articles by blog only: read whole.
"""

from __future__ import annotations

from typing import Any

from sync_core.resources.resource import Node, Resource, Tally, moment_of, number_of
from sync_core.store import ARTICLES, BLOGS, Batch, Row

BLOGS_PAGE = """
query Blogs($first: Int!, $after: String, $query: String, $sort: BlogSortKeys!) {
  blogs(first: $first, after: $after, query: $query, sortKey: $sort) {
    pageInfo { hasNextPage endCursor }
    nodes { id title handle createdAt updatedAt }
  }
}
"""

ARTICLES_PAGE = """
query Articles($first: Int!, $after: String, $query: String, $sort: ArticleSortKeys!) {
  articles(first: $first, after: $after, query: $query, sortKey: $sort) {
    pageInfo { hasNextPage endCursor }
    nodes { id title handle body summary tags publishedAt createdAt updatedAt blog { id } }
  }
}
"""


def blog_rows(nodes: list[Node]) -> Batch:
    """A page's blogs."""
    return Batch(BLOGS, [_blog(node) for node in nodes])


def article_rows(nodes: list[Node]) -> Batch:
    """A page's articles; each names its blog by Shopify's id."""
    return Batch(ARTICLES, [_article(node) for node in nodes])


def _blog(node: Node) -> Row:
    return {
        "shopify_id": number_of(node),
        "title": node["title"],
        "handle": node["handle"],
        "created_at": moment_of(node["createdAt"]),
        "updated_at": moment_of(node["updatedAt"] or node["createdAt"]),
    }


def _article(node: Node) -> Row:
    return {
        "shopify_id": number_of(node),
        "blog_id": number_of(node["blog"]),
        "title": node["title"],
        "handle": node["handle"],
        "body": node["body"],
        "summary": node["summary"],
        "tags": ", ".join(node["tags"]),
        "published_at": moment_of(node["publishedAt"]),
        "created_at": moment_of(node["createdAt"]),
        "updated_at": moment_of(node["updatedAt"] or node["createdAt"]),
    }


def _articles(blogs: Any) -> int:
    return sum(int(blog["articlesCount"]["count"]) for blog in blogs["nodes"])


OF_ONLINE_STORE: dict[str, Any] = {
    "scope": "read_content",
    "scope_as_well": "read_online_store_pages",
    "whole": True,
}

BLOGS_RESOURCE = Resource(
    name="blogs",
    document=BLOGS_PAGE,
    count="blogsCount",
    rows=blog_rows,
    page_points=13,
    **OF_ONLINE_STORE,
)

ARTICLES_RESOURCE = Resource(
    name="articles",
    document=ARTICLES_PAGE,
    # Of more than 250 blogs the rest is not in this total; it rises as their articles are read.
    count=Tally("blogs(first: 250) { nodes { articlesCount(limit: null) { count } } }", _articles),
    rows=article_rows,
    page_points=24,
    **OF_ONLINE_STORE,
)
