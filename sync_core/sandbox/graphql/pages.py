"""Pages of connections: first/after and last/before over a table's order or over a row's children."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync_core.sandbox.graphql.problems import Refusal, problem
from sync_core.sandbox.graphql.search import compile_search, lower_bound
from sync_core.sandbox.rows import number_of

if TYPE_CHECKING:
    from sync_core.sandbox.shops import VariantTable
    from sync_core.sandbox.table import Order, Row, Table

MOST_ROWS = 250
SORTS = {"UPDATED_AT": "updatedAt", "CREATED_AT": "createdAt", "PROCESSED_AT": "createdAt", "PUBLISHED_AT": "createdAt"}
FIELDS = {"updatedAt": "updated_at", "createdAt": "created_at", "ID": "id"}


@dataclass(frozen=True)
class Page:
    """Rows of one page; `cursor(i)` is the cursor of row i."""

    rows: Sequence[Row]
    cursor: Callable[[int], str]
    has_next: bool
    has_previous: bool


def page_size(args: dict[str, Any]) -> int:
    """How many rows were asked for. Raises Refusal for none, both, negative or more than 250."""
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        raise Refusal([problem("you must provide one of first or last", "BAD_REQUEST")])
    if first is not None and last is not None:
        raise Refusal([problem("providing both first and last is not supported", "BAD_REQUEST")])
    size = int(args["first" if first is not None else "last"])
    if not 0 <= size <= MOST_ROWS:
        name = "first" if first is not None else "last"
        reason = f"{name} cannot exceed {MOST_ROWS}" if size > 0 else f"{name} must be a non-negative integer"
        raise Refusal([problem(reason, "BAD_REQUEST")])
    return size


def encode_cursor(key: int, number: int) -> str:
    return base64.b64encode(f'{{"last_id":{number},"last_value":"{key}"}}'.encode()).decode()


def decode_cursor(text: str) -> tuple[int, int]:
    """(key, number). Raises Refusal for anything this server never gave out."""
    try:
        found = json.loads(base64.b64decode(text, validate=True))
        return int(found["last_value"]), int(found["last_id"])
    except (ValueError, KeyError, TypeError):
        raise Refusal([problem(f"Invalid cursor for current pagination sort: {text[:40]}.", "BAD_REQUEST")]) from None


def table_page(table: Table | VariantTable, args: dict[str, Any], floor_at: int | None = None) -> Page:
    """A page of a root connection. `floor_at`: rows made before that second are hidden."""
    size, key = page_size(args), SORTS.get(args.get("sortKey") or "ID", "ID")
    order = table.order(key)
    matches = _matcher(table, args.get("query"), floor_at)
    backwards = args.get("last") is not None
    descending = bool(args.get("reverse"))
    low, high = _window(order, args, descending, lower_bound(args.get("query"), FIELDS[key]))
    # Walk away from the cursor: up for first, down for last; reverse turns both round.
    walk = range(high - 1, low - 1, -1) if descending != backwards else range(low, high)
    found: list[int] = []
    more = False
    for position in walk:
        if matches is None or matches(order.ids[position]):
            if len(found) == size:
                more = True
                break
            found.append(position)
    if backwards:
        found.reverse()
    rows = [row for position in found if (row := table.get(order.ids[position])) is not None]
    return Page(
        rows,
        lambda at: encode_cursor(order.keys[found[at]], order.ids[found[at]]),
        has_next=args.get("before") is not None if backwards else more,
        has_previous=more if backwards else args.get("after") is not None,
    )


def chosen_rows(table: Table | VariantTable, args: dict[str, Any], floor_at: int | None = None) -> Iterator[Row]:
    """Every row of a root connection, as a bulk query walks it: no pages, rows that go meanwhile are left out."""
    order = table.order(SORTS.get(args.get("sortKey") or "ID", "ID"))
    matches = _matcher(table, args.get("query"), floor_at)
    for number in reversed(order.ids) if args.get("reverse") else order.ids:
        if table.has(number) and (matches is None or matches(number)) and (row := table.get(number)) is not None:
            yield row


def count_rows(table: Table | VariantTable, query: str | None, limit: int | None, floor_at: int | None = None) -> Row:
    """A Count: exact when `limit` is None or not reached."""
    matches = _matcher(table, query, floor_at)
    count = len(table) if matches is None else sum(1 for number in table.order("ID").ids if matches(number))
    if limit is not None and count > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": count, "precision": "EXACT"}


def child_page(rows: Sequence[Row], args: dict[str, Any]) -> Page:
    """A page of a row's children; a cursor survives that a child before it goes."""
    size, total = page_size(args), len(rows)
    if args.get("reverse"):
        rows = rows[::-1]
    low = 0 if args.get("after") is None else _behind(rows, *decode_cursor(args["after"]))
    high = total if args.get("before") is None else _behind(rows, *decode_cursor(args["before"])) - 1
    if args.get("last") is not None:
        low, start = max(low, high - size), low
        has_next, has_previous = high < total, low > start
    else:
        high, end = min(high, low + size), high
        has_next, has_previous = high < end, low > 0
    chosen = rows[low:high]
    return Page(chosen, lambda at: encode_cursor(low + at, _number(chosen[at])), has_next, has_previous)


def _matcher(table: Table | VariantTable, query: str | None, floor_at: int | None) -> Callable[[int], bool] | None:
    try:
        test = compile_search(query)
    except ValueError as error:
        raise Refusal([problem(str(error), "BAD_REQUEST")]) from None
    if floor_at is not None:
        earliest = floor_at
        return lambda number: table.stamp("createdAt", number) >= earliest and (test is None or test(table, number))
    return None if test is None else lambda number: test(table, number)


def _window(order: Order, args: dict[str, Any], descending: bool, bound: int | None) -> tuple[int, int]:
    """The positions between the cursors, and not below what the query can match."""
    after, before = args.get("after"), args.get("before")
    if descending:
        after, before = before, after
    low = 0 if after is None else order.after(*decode_cursor(after))
    high = len(order.ids) if before is None else order.before(*decode_cursor(before))
    if bound is not None:
        low = max(low, order.before(bound, 0))
    return low, high


def _behind(rows: Sequence[Row], position: int, number: int) -> int:
    """The position after the row with this number, which stood at `position` when the cursor was made."""
    if position < len(rows) and _number(rows[position]) == number:
        return position + 1
    return sum(1 for row in rows if _number(row) <= number)


def _number(row: Row) -> int:
    return number_of(row["id"]) or 0
