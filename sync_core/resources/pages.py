"""Reading a resource page by page: totals, one page with its nested tails, and the page's size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sync_core.errors import AccessDenied, TooCostly
from sync_core.resources.resource import Node, Resource, Scopes, Tail, Tally
from sync_core.shopify.answers import TooSlow
from sync_core.shopify.client import ShopifyClient
from sync_core.store import Batch

LARGEST_PAGE = 250
SMALLEST_PAGE = 5
OVERLAP = timedelta(minutes=5)
"""`changes` asks from so long before the watermark: Shopify's index lags, and clocks differ."""


@dataclass
class PageSize:
    """How many roots to ask for: halved when a page was too much, grown back slowly."""

    first: int = LARGEST_PAGE
    largest: int = LARGEST_PAGE

    def halve(self, *, for_good: bool = False) -> bool:
        """Ask for less; False when it is as small as it gets. `for_good`: never grow beyond this again."""
        smaller = max(SMALLEST_PAGE, self.first // 2)
        shrunk, self.first = smaller < self.first, smaller
        if for_good:
            self.largest = smaller
        return shrunk

    def grow(self) -> None:
        """Ask for an eighth more, up to the largest."""
        self.first = min(self.largest, self.first + max(1, self.first // 8))


@dataclass(frozen=True)
class Page:
    """One page, mapped. `after` is where the next begins; `ended`: there is none."""

    batch: Batch
    roots: int
    after: str | None
    ended: bool


def changed_since(watermark: datetime) -> str:
    """Shopify's filter for what changed since a pass began."""
    return f"updated_at:>='{(watermark - OVERLAP).strftime('%Y-%m-%dT%H:%M:%SZ')}'"


def count_each(client: ShopifyClient, filters: dict[str, str | None], resources: Sequence[Resource]) -> dict[str, int]:
    """Exact totals by resource name; a resource that may not be read is absent. Errors: ShopifyError."""
    try:
        return _counts(client, filters, resources)
    except AccessDenied:
        if len(resources) == 1:
            return {}
    found: dict[str, int] = {}
    for resource in resources:
        found |= count_each(client, filters, [resource])
    return found


def _counts(client: ShopifyClient, filters: dict[str, str | None], resources: Sequence[Resource]) -> dict[str, int]:
    filtered = [resource.name for resource in resources if not isinstance(resource.count, Tally)]
    data = client.execute(totals_document(resources), {name: filters.get(name) for name in filtered}).data
    return {r.name: _total(r, data[r.name]) for r in resources if data[r.name]}


def totals_document(resources: Sequence[Resource]) -> str:
    """One query for all totals; a filtered one takes the resource's name as its variable."""
    declared = ", ".join(f"${r.name}: String" for r in resources if not isinstance(r.count, Tally))
    asked = " ".join(f"{r.name}: {_asked(r)}" for r in resources)
    return f"query Totals{f'({declared})' if declared else ''} {{ {asked} }}"


def _asked(resource: Resource) -> str:
    if isinstance(resource.count, Tally):
        return resource.count.ask
    return f"{resource.count}(query: ${resource.name}, limit: null) {{ count }}"


def _total(resource: Resource, answer: Any) -> int:
    return resource.count.total(answer) if isinstance(resource.count, Tally) else int(answer["count"])


def read_page(
    client: ShopifyClient,
    resource: Resource,
    *,
    after: str | None,
    query: str | None,
    scopes: Scopes,
    size: PageSize,
    on_tail: Callable[[], None],
) -> Page:
    """The page after `after`, complete with its nested tails; `query` None reads everything, by id.

    A page that was too much is asked again smaller. `on_tail` hears each further page of a nested
    connection. Errors: every ShopifyError.
    """
    asked = {"after": after, "query": query, "sort": "UPDATED_AT" if query else "ID", **resource.options(scopes)}
    found = _root(client, resource, asked, size)
    for tail in resource.tails:
        for node in found["nodes"]:
            _drain(client, tail, node, on_tail)
    info = found["pageInfo"]
    return Page(resource.rows(found["nodes"]), len(found["nodes"]), info["endCursor"], not info["hasNextPage"])


def _root(client: ShopifyClient, resource: Resource, asked: dict[str, Any], size: PageSize) -> Node:
    if resource.listed:
        return everything(client, resource)
    expected = resource.most_points or resource.page_points
    found: Node = execute(client, resource.document, asked, size, expected=expected)[resource.name]
    return found


def everything(client: ShopifyClient, resource: Resource) -> Node:
    """What comes without pages, as one page. Errors: every ShopifyError."""
    nodes = resource.listed(client.execute(resource.document).data) if resource.listed else []
    return {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}


def _drain(client: ShopifyClient, tail: Tail, node: Node, on_tail: Callable[[], None]) -> None:
    """Put the rest of a nested connection into the node; a node deleted meanwhile keeps what it has."""
    info, size = node[tail.field]["pageInfo"], PageSize()
    while info["hasNextPage"]:
        asked = {"id": node["id"], "after": info["endCursor"]}
        owner = execute(client, tail.document, asked, size)[tail.root]
        if owner is None:
            return
        node[tail.field]["nodes"].extend(owner[tail.field]["nodes"])
        info = owner[tail.field]["pageInfo"]
        on_tail()


def execute(
    client: ShopifyClient, document: str, asked: dict[str, Any], size: PageSize, *, expected: float = 0.0
) -> dict[str, Any]:
    """The answer's data; asked again smaller while the page is too much. Errors: every ShopifyError."""
    while True:
        try:
            reply = client.execute(document, {**asked, "first": size.first}, expected=expected)
        except (TooCostly, TooSlow) as error:
            if not size.halve(for_good=isinstance(error, TooCostly)):
                raise
        else:
            size.grow()
            return reply.data
