"""What a resource is: its documents, its mapping to rows, its count, its scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from sync_core.store import Batch, Row

Node = dict[str, Any]
Scopes = frozenset[str]


def _no_options(_scopes: Scopes) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Tail:
    """A connection inside each node, drained to its end. `document` takes $id, $first, $after."""

    field: str
    root: str
    document: str


@dataclass(frozen=True)
class Window:
    """How far back an app sees without the scope `whole`."""

    days: int
    whole: str


@dataclass(frozen=True)
class Branch:
    """A connection below each root in a bulk query: its field, what is selected, its table and mapping.

    `row` takes a node and its parent's Shopify id.
    """

    field: str
    selection: str
    table: Table
    row: Callable[[Node, str], Row]


@dataclass(frozen=True)
class Bulk:
    """How a resource comes by bulk operation. `branches` are keyed by the kind in their nodes' ids."""

    selection: Callable[[Scopes], str]
    branches: Mapping[str, Branch]
    objects: float
    """Objects of one root and what is below it, about: for the plan."""


@dataclass(frozen=True)
class Tally:
    """A total that is no `…Count(query:)` of Shopify's: what to ask for, and what it adds up to."""

    ask: str
    total: Callable[[Any], int]


@dataclass(frozen=True)
class Resource:
    """One kind of thing that a sync reads page by page.

    `document` takes $first, $after, $query, $sort (ID or UPDATED_AT) and what `options` adds for the
    scopes that the shop granted; its root field is `name`. `count` is the root field of its total, or how
    else it is found.
    """

    name: str
    scope: str
    document: str
    count: str | Tally
    rows: Callable[[list[Node]], Batch]
    page_points: int
    """Points of one page of 250, about: for the plan's estimate."""
    most_points: int = 0
    """Points that the bucket must hold before a page of 250 is asked for; 0: about `page_points`."""
    tails: tuple[Tail, ...] = ()
    options: Callable[[Scopes], dict[str, Any]] = _no_options
    required: bool = False
    window: Window | None = None
    """Set when an app sees only the newest of these, unless it may see all."""
    bulk: Bulk | None = None
    """None: only ever page by page."""
    scope_as_well: str | None = None
    """Another scope that serves."""
    whole: bool = False
    """Each pass reads all of it: what changed cannot be asked for."""
    largest_page: int = 250
    listed: Callable[[dict[str, Any]], list[Node]] | None = None
    """For what comes without pages: the nodes in the answer to `document`, which then takes nothing."""

    def readable(self, scopes: Scopes) -> bool:
        """Whether these granted scopes allow to read it."""
        return any(grants(scopes, wanted) for wanted in (self.scope, self.scope_as_well) if wanted)


def number_of(node: Node) -> str:
    """Shopify's numeric id of a node with an `id`, as text."""
    return str(node["id"]).rpartition("/")[2]


def moment_of(text: str | None) -> datetime | None:
    """A moment as Shopify writes it."""
    return datetime.fromisoformat(text) if text else None


def grants(scopes: Scopes, wanted: str) -> bool:
    """Whether these granted scopes allow `wanted`; a write_ scope includes its read_ one."""
    return wanted in scopes or wanted.replace("read_", "write_", 1) in scopes
