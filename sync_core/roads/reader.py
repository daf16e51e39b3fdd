"""What a road reads with: the shop's client, what it granted, and whom to tell of each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sync_core.errors import ShopifyError
from sync_core.resources.resource import Scopes
from sync_core.shopify.client import ShopifyClient


@dataclass(frozen=True)
class Reader:
    """One run's way to ask its shop. Both callables may raise Released, and run in whichever thread asks."""

    client: ShopifyClient
    scopes: Scopes
    on_turn: Callable[[], None]
    """Before each page: the run may have been told to stop, its token may be near its end."""
    on_tail: Callable[[], None]
    """Between two pages of a nested connection: the run moves."""


@contextmanager
def named(what: str) -> Iterator[None]:
    """Say in Shopify's errors what was asked for."""
    try:
        yield
    except ShopifyError as error:
        error.args = (f"{error} on {what}",)
        raise
