"""Our tables against the sandbox's rows, field by field."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from sync_core.app_models import Customer, Order, OrderLineItem, Product, Refund, Shop, Variant
from sync_core.db import Database
from sync_core.sandbox.control import SandboxControl

Row = tuple[Any, ...]

FIELDS = {
    "products": "id title handle vendor productType",
    "variants": "id productId title sku price cost inventoryQuantity",
    "customers": "id email firstName lastName",
    "orders": "id customerId orderNumber totalPrice subtotalPrice totalTax totalDiscounts currency financialStatus",
    "line_items": "id orderId productId variantId title quantity price totalDiscount",
    "refunds": "id orderId amount",
}
"""Kind → the fields that are compared, by the sandbox's names."""

AMOUNTS = frozenset("price cost totalPrice subtotalPrice totalTax totalDiscounts totalDiscount amount".split())


@dataclass(frozen=True)
class Found:
    """Rows of one shop and kind that are missing, more, or other than Shopify's."""

    kind: str
    domain: str
    table: str
    rows: int

    def __str__(self) -> str:
        return f"{self.domain}: {self.rows} {self.table} {self.kind}"


def difference(database: Database, control: SandboxControl, domains: Iterable[str]) -> Iterator[Found]:
    """What differs, for these shops."""
    stored = {kind: _stored(database, kind) for kind in FIELDS}
    for domain in domains:
        for kind in FIELDS:
            truth = Counter(_truth(control, domain, kind))
            yield from _compare(domain, kind, stored[kind][domain], truth)


def _compare(domain: str, kind: str, ours: Counter[Row], truth: Counter[Row]) -> Iterator[Found]:
    if ours == truth:
        return
    mine, theirs = ({row[0] for row in rows} for rows in (ours, truth))
    counts = {"missing": len(theirs - mine), "more": len(mine - theirs) + ours.total() - len(mine)}
    counts["other"] = sum(1 for row in ours if row[0] in theirs and row not in truth)
    for what, rows in counts.items():
        if rows:
            yield Found(what, domain, kind, rows)


def _truth(control: SandboxControl, domain: str, kind: str) -> Iterator[Row]:
    names = FIELDS[kind].split()
    for row in control.rows(domain, kind):
        yield tuple(_value(name, row[name]) for name in names)


def _value(name: str, value: Any) -> Any:
    if name == "orderNumber":
        return str(value)
    if name in AMOUNTS and value is not None:
        return Decimal(str(value)).quantize(Decimal("0.01"))
    return value


def _stored(database: Database, kind: str) -> dict[str, Counter[Row]]:
    names = FIELDS[kind].split()
    found: dict[str, Counter[Row]] = defaultdict(Counter)
    with database.read() as session:
        for domain, *values in session.execute(QUERIES[kind]):
            found[domain][tuple(_value(name, value) for name, value in zip(names, values, strict=True))] += 1
    return found


def _queries() -> dict[str, Select[Any]]:
    domain, parent, buyer = Shop.shop_domain, aliased(Order), aliased(Customer)
    product = (Product.shopify_id, Product.title, Product.handle, Product.vendor, Product.product_type)
    variant = (Variant.shopify_id, Product.shopify_id, Variant.title, Variant.sku, Variant.price, Variant.cost)
    customer = (Customer.shopify_id, Customer.email, Customer.first_name, Customer.last_name)
    order = (Order.shopify_id, buyer.shopify_id, Order.order_number, Order.total_price, Order.subtotal_price)
    order_more = (Order.total_tax, Order.total_discounts, Order.currency, Order.financial_status)
    line = (OrderLineItem.shopify_id, parent.shopify_id, OrderLineItem.product_id, OrderLineItem.variant_id)
    line_more = (OrderLineItem.title, OrderLineItem.quantity, OrderLineItem.price, OrderLineItem.total_discount)
    of_product = select(domain, *product).join(Product, Product.shop_id == Shop.id)
    of_order = select(domain, *order, *order_more).join(Order, Order.shop_id == Shop.id)
    return {
        "products": of_product,
        "variants": select(domain, *variant, Variant.inventory_quantity)
        .join(Product, Product.shop_id == Shop.id)
        .join(Variant, Variant.product_id == Product.id),
        "customers": select(domain, *customer).join(Customer, Customer.shop_id == Shop.id),
        "orders": of_order.outerjoin(buyer, buyer.id == Order.customer_id),
        "line_items": select(domain, *line, *line_more)
        .join(parent, parent.shop_id == Shop.id)
        .join(OrderLineItem, OrderLineItem.order_id == parent.id),
        "refunds": select(domain, Refund.shopify_id, parent.shopify_id, Refund.amount)
        .join(parent, parent.shop_id == Shop.id)
        .join(Refund, Refund.order_id == parent.id),
    }


QUERIES = _queries()
