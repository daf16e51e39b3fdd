"""Pages of the online store. Shopify sends no message of one and cannot count those that changed: read whole."""

from __future__ import annotations

from sync_core.resources.resource import Node, Resource, Tally, moment_of, number_of
from sync_core.store import PAGES, Batch, Row

PAGE = """
query Pages($first: Int!, $after: String, $query: String, $sort: PageSortKeys!) {
  pages(first: $first, after: $after, query: $query, sortKey: $sort) {
    pageInfo { hasNextPage endCursor }
    nodes { id title handle body publishedAt createdAt updatedAt }
  }
}
"""


def rows(nodes: list[Node]) -> Batch:
    """A page's rows."""
    return Batch(PAGES, [_page(node) for node in nodes])


def _page(node: Node) -> Row:
    return {
        "shopify_id": number_of(node),
        "title": node["title"],
        "handle": node["handle"],
        "body": node["body"],
        "published_at": moment_of(node["publishedAt"]),
        "created_at": moment_of(node["createdAt"]),
        "updated_at": moment_of(node["updatedAt"]),
    }


RESOURCE = Resource(
    name="pages",
    scope="read_content",
    scope_as_well="read_online_store_pages",
    document=PAGE,
    count=Tally("pagesCount(limit: null) { count }", lambda answer: int(answer["count"])),
    rows=rows,
    page_points=13,
    whole=True,
)
