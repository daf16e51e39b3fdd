"""The road of pages: complete by itself for every shop of every size."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count

from sync_core.progress import Leg
from sync_core.resources.pages import Page, PageSize, changed_since, read_page
from sync_core.resources.resource import Resource
from sync_core.roads.ahead import begun
from sync_core.roads.reader import Reader, named


def read(reader: Reader, resource: Resource, leg: Leg) -> Iterator[Page]:
    """The resource's pages from where the leg stands to its end. Errors: every ShopifyError; Released."""
    query, size = filter_of(leg), PageSize(resource.largest_page, resource.largest_page)

    def fetch(after: str | None, number: int) -> Page:
        reader.on_turn()
        with named(f"{resource.name}, page {number}"):
            return read_page(
                reader.client,
                resource,
                after=after,
                query=query,
                scopes=reader.scopes,
                size=size,
                on_tail=reader.on_tail,
            )

    page = fetch(leg.after, 1)
    for number in count(2):
        if page.ended:
            break
        coming = begun(partial(fetch, page.after, number))
        yield page
        page = coming.result()
    yield page


def filter_of(leg: Leg) -> str | None:
    """Shopify's filter for this pass; None reads everything."""
    return changed_since(leg.since) if leg.since else None
