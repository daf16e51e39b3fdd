"""The shop's policies: a handful of texts that come with the shop, without pages."""

from __future__ import annotations

from typing import Any

from sync_core.resources.resource import Node, Resource, Tally, moment_of, number_of
from sync_core.store import POLICIES, Batch, Row

ALL = """
query Policies {
  shop { shopPolicies { id type title body url createdAt updatedAt } }
}
"""


def rows(nodes: list[Node]) -> Batch:
    """All of them."""
    return Batch(POLICIES, [_policy(node) for node in nodes])


def _policy(node: Node) -> Row:
    return {
        "shopify_id": number_of(node),
        "kind": node["type"],
        "title": node["title"],
        "body": node["body"],
        "url": node["url"],
        "created_at": moment_of(node["createdAt"]),
        "updated_at": moment_of(node["updatedAt"]),
    }


def _listed(data: dict[str, Any]) -> list[Node]:
    return list(data["shop"]["shopPolicies"])


RESOURCE = Resource(
    name="policies",
    scope="read_legal_policies",
    document=ALL,
    count=Tally("shop { shopPolicies { id } }", lambda shop: len(shop["shopPolicies"])),
    rows=rows,
    page_points=9,
    whole=True,
    listed=_listed,
)
