"""The road of bulk operations: Shopify writes everything into one file, this reads it in portions.

The file's lines come in any order, children far from their parents too, so a portion's children may belong
to roots of other portions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import orjson

from sync_core.errors import BulkFailed, Refused, Unavailable
from sync_core.progress import Haul, Leg
from sync_core.resources.resource import Bulk, Node, Resource, Scopes
from sync_core.roads.ahead import begun
from sync_core.roads.pages import filter_of
from sync_core.roads.reader import Reader
from sync_core.shopify import bulk
from sync_core.shopify.answers import without_nul
from sync_core.shopify.bulk import Operation
from sync_core.shopify.storage import Lines, Storage
from sync_core.store import Batch

LINES_AT_ONCE = 6_000
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 15.0
LATE_LOOKS = 5
"""The partial data of a failed operation may appear seconds after it failed."""


@dataclass(frozen=True)
class Carrier:
    """What the road needs beside its reader."""

    reader: Reader
    storage: Storage
    moment: Callable[[], datetime]
    pause: Callable[[float], None]
    """Wait so many seconds, or less when Shopify says that an operation is over; no progress. Errors: Released."""
    still: timedelta
    """An operation that did not move for so long is given up."""


@dataclass(frozen=True)
class Load:
    """A portion of the file, mapped; `haul` says how far the file is stored with it, `share` how much of it that is."""

    batch: Batch
    roots: int
    haul: Haul
    share: float


def document(resource: Resource, leg: Leg, scopes: Scopes) -> str:
    """The bulk query of this pass. Its first line makes it findable: no other pass has the same text."""
    wanted, query = _bulk(resource), filter_of(leg)
    which = f"(query: {json.dumps(query)}, sortKey: UPDATED_AT)" if query else ""
    below = "".join(f" {one.field} {{ edges {{ node {{ {one.selection} }} }} }}" for one in wanted.branches.values())
    tries = leg.haul.failures if leg.haul else 0
    return (
        f"# pass of {leg.started.isoformat()}, {tries} failed\n"
        f"{{ {resource.name}{which} {{ edges {{ node {{ {wanted.selection(scopes)}{below} }} }} }} }}"
    )


def submit(carrier: Carrier, query: str) -> Operation:
    """The operation with this text: the one that runs or ran already, else a new one. Errors: as bulk.submit."""
    client = carrier.reader.client
    return carrier.storage.patience.call(lambda: bulk.find(client, query) or bulk.submit(client, query))


def read(carrier: Carrier, resource: Resource, haul: Haul, *, on_move: Callable[[Operation], None]) -> Iterator[Load]:
    """The rest of the operation's file, once it is over, each portion ready while one is stored.

    `on_move` hears of an operation under way whenever it moved: that is progress.
    A failed operation's partial data comes before its error. Errors: BulkFailed, also when the file is not
    what Shopify said; every ShopifyError; Released.
    """
    operation = _over(carrier, _known(haul), on_move)
    if not operation.completed:
        operation = _late(carrier, operation)
    for load in _loads(carrier, resource, haul, operation):
        yield load
        haul = load.haul
    if not operation.completed:
        said = operation.status if operation.error is None else f"{operation.status} ({operation.error})"
        raise BulkFailed(f"the bulk operation ended {said}", denied=operation.error == "ACCESS_DENIED")
    if haul.lines != operation.objects:
        raise BulkFailed(f"its file has {haul.lines:,} of {operation.objects:,} lines")


def _over(carrier: Carrier, identity: str, on_move: Callable[[Operation], None]) -> Operation:
    """Look until it is over."""
    seen, moved_at, pause = None, carrier.moment(), FIRST_PAUSE_SECONDS
    while True:
        operation = _look(carrier, identity)
        if operation.over:
            return operation
        now = carrier.moment()
        if (operation.status, operation.objects) != seen:
            seen, moved_at = (operation.status, operation.objects), now
            on_move(operation)
        elif now - moved_at > carrier.still:
            bulk.cancel(carrier.reader.client, identity)
            raise BulkFailed(f"the bulk operation did not move for {carrier.still.total_seconds():.0f} s")
        carrier.pause(pause)
        pause = min(LONGEST_PAUSE_SECONDS, pause * 1.5)


def _late(carrier: Carrier, operation: Operation) -> Operation:
    for _ in range(LATE_LOOKS):
        if operation.partial_url or operation.status != "FAILED" or operation.objects == 0:
            break
        carrier.pause(FIRST_PAUSE_SECONDS)
        operation = _look(carrier, operation.id)
    return operation


def _look(carrier: Carrier, identity: str) -> Operation:
    carrier.reader.on_turn()
    found = bulk.look(carrier.reader.client, identity)
    if found is None:
        raise BulkFailed("Shopify does not know the bulk operation any more")
    return found


def _loads(carrier: Carrier, resource: Resource, haul: Haul, operation: Operation) -> Iterator[Load]:
    if not (operation.url or operation.partial_url):
        return
    size = operation.size or 0
    found = carrier.storage.lines(_address(carrier, operation), start=haul.offset, size=size, at_once=LINES_AT_ONCE)

    def following(haul: Haul) -> Load | None:
        carrier.reader.on_turn()
        try:
            lines = next(found, None)
        except (Unavailable, Refused) as broken:
            raise BulkFailed(f"its file could not be read: {broken}") from broken
        return None if lines is None else _load(resource, lines, haul, size)

    load = begun(partial(following, haul)).result()
    while load is not None:
        coming = begun(partial(following, load.haul))
        yield load
        load = coming.result()


def _address(carrier: Carrier, operation: Operation) -> Callable[[], str]:
    """Where the file is: as it was said last, and when that is asked again, as Shopify says then."""
    said = [operation]

    def address() -> str:
        found = said.pop() if said else bulk.look(carrier.reader.client, operation.id)
        url = found and (found.url or found.partial_url)
        if not url:
            raise Unavailable("Shopify does not give the file any more")
        return url

    return address


def _load(resource: Resource, found: Lines, haul: Haul, size: int) -> Load:
    try:
        nodes = [orjson.loads(without_nul(line)) for line in found.lines]
    except orjson.JSONDecodeError as wrong:
        raise BulkFailed("a line of its file is not readable") from wrong
    batch, roots = mapped(resource, nodes)
    return Load(batch, roots, replace(haul, offset=found.end, lines=haul.lines + len(nodes)), found.end / size)


def mapped(resource: Resource, nodes: list[Node]) -> tuple[Batch, int]:
    """The rows of these nodes, roots and children of any roots, and how many are roots."""
    branches = _bulk(resource).branches
    roots = [node for node in nodes if "__parentId" not in node]
    for node in roots:
        node |= {branch.field: {"nodes": []} for branch in branches.values()}
    batch = resource.rows(roots)
    children = {table: list(rows) for table, rows in batch.children.items()}
    for node in nodes:
        if parent := node.get("__parentId"):
            branch = branches[node["id"].split("/")[3]]
            children[branch.table].append(branch.row(node, parent.rpartition("/")[2]))
    return replace(batch, children=children), len(roots)


def _bulk(resource: Resource) -> Bulk:
    if resource.bulk is None:
        raise ValueError(f"{resource.name} does not come by bulk operation")
    return resource.bulk


def _known(haul: Haul) -> str:
    if haul.id is None:
        raise ValueError("the bulk operation was not submitted")
    return haul.id
