"""Customers: who they are, no more than the app stores."""

from __future__ import annotations

from datetime import datetime

from sync_core.resources.resource import Bulk, Node, Resource
from sync_core.store import CUSTOMERS, Batch, Row

FIELDS = "legacyResourceId firstName lastName createdAt defaultEmailAddress { emailAddress }"

PAGE = f"""
query Customers($first: Int!, $after: String, $query: String, $sort: CustomerSortKeys!) {{
  customers(first: $first, after: $after, query: $query, sortKey: $sort) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ {FIELDS} }}
  }}
}}
"""


def rows(nodes: list[Node]) -> Batch:
    """A page's rows."""
    return Batch(CUSTOMERS, [_customer(node) for node in nodes])


def _customer(node: Node) -> Row:
    email = node["defaultEmailAddress"]
    return {
        "shopifyId": str(node["legacyResourceId"]),
        "email": email["emailAddress"] if email else None,
        "firstName": node["firstName"],
        "lastName": node["lastName"],
        "createdAt": datetime.fromisoformat(node["createdAt"]),
    }


RESOURCE = Resource(
    name="customers",
    scope="read_customers",
    document=PAGE,
    count="customersCount",
    rows=rows,
    page_points=24,
    bulk=Bulk(selection=lambda _scopes: f"id {FIELDS}", branches={}, objects=1),
)
