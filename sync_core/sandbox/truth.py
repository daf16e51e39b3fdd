"""What a complete sync of a shop must have stored: every row, flat, for a test to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sync_core.sandbox.rows import Ref, number_of
from sync_core.sandbox.shops import Shop
from sync_core.sandbox.table import Row

Flat = dict[str, Any]


def counts(shop: Shop) -> dict[str, int]:
    """Rows by kind, without line items and refunds (these need a walk over all orders)."""
    return {
        "products": len(shop.products),
        "variants": len(shop.variants),
        "customers": len(shop.customers),
        "orders": len(shop.orders),
        "collections": len(shop.collections),
        "pages": len(shop.pages),
        "blogs": len(shop.blogs),
        "articles": len(shop.articles),
        "policies": len(shop.policies),
    }


def rows(shop: Shop, kind: str) -> Iterator[Flat]:
    """kind: any of KINDS; ids are numbers as text."""
    return KINDS[kind](shop)


def _products(shop: Shop) -> Iterator[Flat]:
    for row in shop.products.rows():
        names = "title handle vendor productType status tags createdAt updatedAt"
        yield {"id": row["legacyResourceId"], **_pick(row, names)}


def _variants(shop: Shop) -> Iterator[Flat]:
    for product in shop.products.rows():
        for row in product["variants"]:
            cost = row["inventoryItem"]["unitCost"]
            yield {
                "id": row["legacyResourceId"],
                "productId": product["legacyResourceId"],
                "cost": None if cost is None else cost["amount"],
                **_pick(row, "title sku barcode position price compareAtPrice inventoryQuantity"),
            }


def _customers(shop: Shop) -> Iterator[Flat]:
    for row in shop.customers.rows():
        yield {"id": row["legacyResourceId"], **_pick(row, "email firstName lastName createdAt updatedAt")}


def _orders(shop: Shop) -> Iterator[Flat]:
    for row in shop.orders.rows():
        yield {
            "id": row["legacyResourceId"],
            "customerId": _there(shop, row["customer"]),
            "orderNumber": row["number"],
            "totalPrice": _amount(row, "totalPriceSet"),
            "subtotalPrice": _amount(row, "subtotalPriceSet"),
            "totalTax": _amount(row, "totalTaxSet"),
            "totalDiscounts": _amount(row, "totalDiscountsSet"),
            "currency": row["currencyCode"],
            "financialStatus": row["displayFinancialStatus"],
            "fulfillmentStatus": row["displayFulfillmentStatus"],
            **_pick(row, "name createdAt updatedAt"),
        }


def _line_items(shop: Shop) -> Iterator[Flat]:
    for order in shop.orders.rows():
        for row in order["lineItems"]:
            yield {
                "id": str(number_of(row["id"])),
                "orderId": order["legacyResourceId"],
                "productId": _there(shop, row["product"]),
                "variantId": _there(shop, row["variant"]),
                "price": _amount(row, "originalUnitPriceSet"),
                "totalDiscount": _amount(row, "totalDiscountSet"),
                **_pick(row, "title quantity sku"),
            }


def _refunds(shop: Shop) -> Iterator[Flat]:
    for order in shop.orders.rows():
        for row in order["refunds"]:
            yield {
                "id": row["legacyResourceId"],
                "orderId": order["legacyResourceId"],
                "amount": _amount(row, "totalRefundedSet"),
                "createdAt": row["createdAt"],
            }


def _collections(shop: Shop) -> Iterator[Flat]:
    for row in shop.collections.rows():
        yield {"id": row["legacyResourceId"], **_pick(row, "title handle sortOrder updatedAt")}


def _collection_products(shop: Shop) -> Iterator[Flat]:
    for row in shop.collections.rows():
        for number in shop.members(row["products"]):
            yield {"id": f"{row['legacyResourceId']}/{number}"}


def _content(table: str, names: str) -> Callable[[Shop], Iterator[Flat]]:
    def found(shop: Shop) -> Iterator[Flat]:
        for row in getattr(shop, table).rows():
            yield {"id": str(number_of(row["id"])), **_pick(row, names)}

    return found


def _articles(shop: Shop) -> Iterator[Flat]:
    for row in shop.articles.rows():
        blog = {"blogId": str(row["blog"].number)}
        yield {"id": str(number_of(row["id"])), **blog, **_pick(row, "title handle body summary updatedAt")}


KINDS: dict[str, Callable[[Shop], Iterator[Flat]]] = {
    "products": _products,
    "variants": _variants,
    "customers": _customers,
    "orders": _orders,
    "line_items": _line_items,
    "refunds": _refunds,
    "collections": _collections,
    "collection_products": _collection_products,
    "pages": _content("pages", "title handle body publishedAt updatedAt"),
    "blogs": _content("blogs", "title handle updatedAt"),
    "articles": _articles,
    "policies": _content("policies", "type title body url updatedAt"),
}


def _pick(row: Row, names: str) -> Flat:
    return {name: row[name] for name in names.split()}


def _amount(row: Row, name: str) -> str:
    return str(row[name]["shopMoney"]["amount"])


def _there(shop: Shop, ref: Ref | None) -> str | None:
    """The number of a row that still exists."""
    return str(ref.number) if ref is not None and shop.table(ref.kind).has(ref.number) else None
