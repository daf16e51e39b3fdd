"""Which rows that we hold are no longer at Shopify: all its ids, nothing else, 13 points a page of 250.

A message of a deletion may be lost, and a pass of changes never shows what is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from sync_core.progress import CHANGES, Leg
from sync_core.resources.pages import OVERLAP, PageSize, count_each, everything, execute
from sync_core.resources.resource import Node, Resource, Scopes, grants, number_of
from sync_core.shopify.client import ShopifyClient

CHECK_AFTER = timedelta(hours=24)
EDGE = timedelta(days=1)
"""The edge of a window is Shopify's to draw: rows near it are not judged."""

log = structlog.get_logger()


def due(leg: Leg, *, held: int, now: datetime) -> bool:
    """Whether this resource's ids are to be compared; `held`: how many rows of it we hold.

    A whole pass has stored every row that is there, so holding no more than it read says all.
    """
    if leg.kind == CHANGES:
        return leg.checked is None or now - leg.checked >= CHECK_AFTER
    return held > leg.done


def judged(resource: Resource, scopes: Scopes, now: datetime) -> tuple[datetime | None, datetime]:
    """Between which moments a row was created that may be judged: one too old to be seen is not gone."""
    window = resource.window
    if window is None or grants(scopes, window.whole):
        return None, now - OVERLAP
    return now - timedelta(days=window.days) + EDGE, now - OVERLAP


def gone(client: ShopifyClient, resource: Resource, known: set[str], *, on_page: Callable[[], None]) -> list[str]:
    """Those of the known ids that Shopify does not list.

    None at all when it listed fewer than it counts: an incomplete list must not cost rows.
    Errors: every ShopifyError.
    """
    left, seen, after, size = set(known), 0, None, PageSize()
    while True:
        found = _page(client, resource, after, size)
        left -= {number_of(node) for node in found["nodes"]}
        seen, after = seen + len(found["nodes"]), found["pageInfo"]["endCursor"]
        on_page()
        if not found["pageInfo"]["hasNextPage"]:
            break
    if left and seen < count_each(client, {}, [resource]).get(resource.name, 0):
        log.warning("ids.incomplete", resource=resource.name, seen=seen)
        return []
    return sorted(left)


def _page(client: ShopifyClient, resource: Resource, after: str | None, size: PageSize) -> Node:
    if resource.listed:
        return everything(client, resource)
    found: Node = execute(client, document(resource), {"after": after}, size)[resource.name]
    return found


def document(resource: Resource) -> str:
    """Asks for all ids and nothing else."""
    if resource.listed:
        return resource.document
    return f"""
query IdsOf{resource.name.capitalize()}($first: Int!, $after: String) {{
  {resource.name}(first: $first, after: $after, sortKey: ID) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ id }}
  }}
}}
"""
