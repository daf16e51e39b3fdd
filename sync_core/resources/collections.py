"""Collections with their products.

Read whole in each pass: a product that begins or ceases to match a rule changes the membership and neither the
collection's updatedAt nor any message tells of it.
"""

from __future__ import annotations

from datetime import datetime

from sync_core.resources.resource import Node, Resource, Tail, number_of
from sync_core.store import COLLECTIONS, MEMBERS, Batch, Row

PAGE = """
query Collections($first: Int!, $after: String, $query: String, $sort: CollectionSortKeys!, $products: Int!) {
  collections(first: $first, after: $after, query: $query, sortKey: $sort) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id title handle descriptionHtml sortOrder updatedAt
      image { url }
      products(first: $products) {
        pageInfo { hasNextPage endCursor }
        nodes { id }
      }
    }
  }
}
"""

PRODUCTS_TAIL = """
query CollectionProducts($id: ID!, $first: Int!, $after: String) {
  collection(id: $id) {
    products(first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id }
    }
  }
}
"""


def rows(nodes: list[Node]) -> Batch:
    """A page's rows, with all members of each collection."""
    members = [_member(node, product) for node in nodes for product in node["products"]["nodes"]]
    return Batch(COLLECTIONS, [_collection(node) for node in nodes], {MEMBERS: members}, whole=frozenset({MEMBERS}))


def _collection(node: Node) -> Row:
    return {
        "shopify_id": number_of(node),
        "title": node["title"],
        "handle": node["handle"],
        "description_html": node["descriptionHtml"],
        "sort_order": node["sortOrder"],
        "image_url": (node["image"] or {}).get("url"),
        "updated_at": datetime.fromisoformat(node["updatedAt"]),
    }


def _member(collection: Node, product: Node) -> Row:
    owner, number = number_of(collection), number_of(product)
    return {"shopify_id": f"{owner}/{number}", "collection_id": owner, "product_id": number}


RESOURCE = Resource(
    name="collections",
    scope="read_products",
    document=PAGE,
    count="collectionsCount",
    rows=rows,
    page_points=80,
    tails=(Tail("products", "collection", PRODUCTS_TAIL),),
    options=lambda _scopes: {"products": 100},
    whole=True,
    largest_page=25,
)
"""Few at a time: the members of a page's collections are in memory at once."""
