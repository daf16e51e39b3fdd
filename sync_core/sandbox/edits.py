"""Changes to a shop's rows: what a merchant or a buyer does between two syncs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from sync_core.sandbox.config import BadOption
from sync_core.sandbox.content import Articles, Blogs, Collections, Pages, Policies, Rule
from sync_core.sandbox.draws import ADDED, REFUND_STRIDE, first_id
from sync_core.sandbox.factory import Customers, Factory, Products
from sync_core.sandbox.moments import Clock, iso
from sync_core.sandbox.orders import Orders
from sync_core.sandbox.rows import Ref, bag, gid, slug
from sync_core.sandbox.settings import ShopSettings
from sync_core.sandbox.shops import Shop
from sync_core.sandbox.state import Journal
from sync_core.sandbox.table import CREATED, UPDATED, Made, Row, Table

KINDS = {
    "products": "Product", "customers": "Customer", "orders": "Order", "collections": "Collection", "pages": "Page",
    "blogs": "Blog", "articles": "Article", "policies": "ShopPolicy",
}  # fmt: skip
MAKERS: dict[str, Callable[[ShopSettings, int], Factory]] = {
    "products": Products, "customers": Customers, "pages": Pages, "blogs": Blogs, "articles": Articles,
    "policies": Policies,
}  # fmt: skip
CHILDREN = ("variants", "lineItems", "refunds", "media")


class Edits:
    """Creates, updates and deletes rows of one shop, and keeps that in the journal."""

    def __init__(self, shop: Shop, journal: Journal, clock: Clock) -> None:
        self.shop, self.journal, self.clock = shop, journal, clock

    def create(self, kind: str, fields: dict[str, Any]) -> Row:
        """A new row, made up but for the given fields. kind: any of KINDS."""
        table, now = self._table(kind), iso(int(self.clock()))
        position = ADDED + self._added(table)
        row = _whole(self._maker(kind).row(position)) | {CREATED: now, UPDATED: now}
        if "handle" in row and "title" in fields:
            fields = {"handle": slug(fields["title"]), **fields}
        row = self._with(row, fields)
        return self._keep(table, first_id(self.shop.settings.key) + position, row)

    def update(self, kind: str, number: int, fields: dict[str, Any]) -> Row | None:
        """The changed row with a later updatedAt; None when there is no such row.

        fields: any of the row's; `products` [number] puts a collection together by hand; `variants`
        {number: {field: value}} changes variants, None as value takes one out; `refund` (cents) adds a refund.
        """
        table = self._table(kind)
        row = table.get(number)
        if row is None:
            return None
        later = max(int(self.clock()), table.stamp(UPDATED, number) + 1)
        return self._keep(table, number, self._with(_whole(row), fields) | {UPDATED: iso(later)})

    def delete(self, kind: str, number: int) -> bool:
        table = self._table(kind)
        if not table.has(number):
            return False
        table.changed.pop(number, None)
        if table.base.position_of(number) is not None:
            table.gone.add(number)
        table.touch()
        self.journal.put("edit", self._key(table, number), None)
        return True

    def restore(self) -> None:
        """Lays what the journal holds over the shop's base."""
        for key, body in self.journal.find("edit", f"{self.shop.domain} ").items():
            _, kind, number = key.split()
            table = cast(Table, self.shop.table(kind))
            if body is not None:
                table.changed[int(number)] = _thaw(body)
            elif table.base.position_of(int(number)) is not None:
                table.gone.add(int(number))

    def _table(self, kind: str) -> Table:
        if kind not in KINDS:
            raise BadOption(f"{kind!r} cannot be edited; expected one of {', '.join(KINDS)}")
        return cast(Table, self.shop.table(KINDS[kind]))

    def _maker(self, kind: str) -> Factory:
        settings, base = self.shop.settings, self.shop.base
        if kind == "orders":
            return Orders(settings, max(1, settings.orders), base, settings.customers)
        if kind == "collections":
            return Collections(settings, max(1, settings.collections), len(base))
        return MAKERS[kind](settings, max(1, getattr(settings, kind)))

    def _added(self, table: Table) -> int:
        """How many rows of this kind were ever added; a deleted one's number is not used again."""
        prefix = f"{self.shop.domain} {table.kind} "
        first = first_id(self.shop.settings.key) + ADDED
        return sum(1 for key in self.journal.find("edit", prefix) if int(key.rsplit(" ", 1)[1]) >= first)

    def _with(self, row: Row, fields: dict[str, Any]) -> Row:
        fields = dict(fields)
        variants, refund = fields.pop("variants", {}), fields.pop("refund", None)
        if "products" in fields:
            fields["products"] = [Ref("Product", int(number)) for number in fields["products"]]
        if unknown := sorted(fields.keys() - row.keys()):
            raise BadOption(f"unknown fields {', '.join(unknown)} for {row['__typename']}")
        row = row | fields
        if variants:
            changes = ((variant, variants.get(variant["legacyResourceId"], {})) for variant in row["variants"])
            row["variants"] = [variant | change for variant, change in changes if change is not None]
        return self._refunded(row, refund) if refund is not None else row

    def _refunded(self, row: Row, amount: int) -> Row:
        number, now = int(row["legacyResourceId"]), iso(int(self.clock()))
        first = first_id(self.shop.settings.key)
        refund = first + (number - first) * REFUND_STRIDE + len(row["refunds"])
        total = bag(amount, self.shop.settings.currency)
        made: Row = {
            "__typename": "Refund",
            "id": gid("Refund", refund),
            "legacyResourceId": str(refund),
            **dict.fromkeys(("createdAt", "processedAt", "updatedAt"), now),
            "note": None,
            "order": Ref("Order", number),
            "totalRefundedSet": total,
            "refundLineItems": [],
        }
        return row | {"refunds": [*row["refunds"], made], "displayFinancialStatus": "PARTIALLY_REFUNDED"}

    def _keep(self, table: Table, number: int, row: Row) -> Row:
        if table.kind == "Product":
            row = _settled(row)
        table.changed[number] = row
        table.gone.discard(number)
        table.touch()
        self.journal.put("edit", self._key(table, number), _freeze(row))
        return row

    def _key(self, table: Table, number: int) -> str:
        return f"{self.shop.domain} {table.kind} {number}"


def _settled(row: Row) -> Row:
    """A product's variants change with it."""
    stamp = {UPDATED: row[UPDATED]}
    variants = [variant | stamp for variant in row["variants"]]
    return row | {"variants": variants, "variantsCount": {"count": len(variants), "precision": "EXACT"}}


def _whole(row: Row) -> Row:
    """A row whose children are lists."""
    return {name: list(value) if name in CHILDREN else value for name, value in row.items()}


def _freeze(value: Any) -> Any:
    """A row as JSON can hold it."""
    if isinstance(value, Ref):
        return {"$ref": [value.kind, value.number]}
    if isinstance(value, Rule):
        return {"$rule": value.vendor}
    if isinstance(value, dict):
        return {name: _freeze(item) for name, item in value.items()}
    return [_freeze(item) for item in value] if isinstance(value, list | Made) else value


def _thaw(value: Any) -> Any:
    """The inverse of _freeze."""
    if isinstance(value, dict) and "$rule" in value:
        return Rule(value["$rule"])
    if isinstance(value, dict):
        return Ref(*value["$ref"]) if "$ref" in value else {name: _thaw(item) for name, item in value.items()}
    return [_thaw(item) for item in value] if isinstance(value, list) else value
