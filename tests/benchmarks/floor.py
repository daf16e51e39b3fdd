"""The floor for a sync: fetch the same bytes, decode them, bulk insert the same rows, nothing else.

Straight on the driver: executemany on SQLite, COPY on PostgreSQL; a commit a page or file. No
guard, no fence, no comparison with what is stored, no progress, no throttle, no retry.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import orjson

from sync_core.columns import new_id
from sync_core.db import Database

Node = dict[str, Any]
Rows = dict[str, list[tuple[Any, ...]]]

COLUMNS = {
    "Product": "id shopId shopifyId title handle vendor productType createdAt updatedAt",
    "Variant": "id productId shopifyId title sku price cost inventoryQuantity",
    "Customer": "id shopId shopifyId email firstName lastName createdAt",
    "Order": "id shopId shopifyId customerId orderNumber totalPrice subtotalPrice totalTax totalDiscounts currency "
    "financialStatus fulfillmentStatus createdAt updatedAt",
    "OrderLineItem": "id orderId shopifyId productId variantId title quantity price totalDiscount",
    "Refund": "id orderId shopifyId amount createdAt",
}

TOTALS = ("totalPrice", "subtotalPrice", "totalTax", "totalDiscounts")


class Floor:
    """One shop's pages, fetched and inserted."""

    def __init__(self, database: Database, shop_id: str) -> None:
        self._postgres = database.is_postgres
        self._pooled = database.engine.raw_connection()
        self._driver: Any = self._pooled.driver_connection
        self._shop_id = shop_id
        self._customers: dict[str, str] = {}
        self._money = Decimal if self._postgres else float
        self._moment: Any = datetime.fromisoformat if self._postgres else _text

    def carry(self, http: httpx.Client, asked: list[httpx.Request]) -> None:
        """Send each of these requests again and store what comes back."""
        for request in asked:
            if request.method == "GET":
                self._insert(self._of_lines(http.get(request.url).content.splitlines()))
            else:
                answer = http.post(request.url, content=request.content, headers=request.headers)
                self._insert(self._rows(orjson.loads(answer.content)["data"]))

    def close(self) -> None:
        self._pooled.close()

    def _rows(self, data: Node) -> Rows:
        for name, rows in (("products", self._product), ("customers", self._customer), ("orders", self._order)):
            if "nodes" in data.get(name, ()):
                return _gathered(rows(node) for node in data[name]["nodes"])
        return {}

    def _of_lines(self, lines: list[bytes]) -> Rows:
        """A bulk operation's file: each child put into its root."""
        roots: dict[str, Node] = {}
        children = []
        for node in map(orjson.loads, lines):
            if "__parentId" in node:
                children.append(node)
            else:
                roots[node["id"]] = node | {"variants": {"nodes": []}, "lineItems": {"nodes": []}}
        for node in children:
            field = "variants" if "ProductVariant" in node["id"] else "lineItems"
            roots[node["__parentId"]][field]["nodes"].append(node)
        kinds = {"Product": self._product, "Customer": self._customer, "Order": self._order}
        return _gathered(kinds[identity.split("/")[3]](node) for identity, node in roots.items())

    def _product(self, node: Node) -> Rows:
        its, money, at = new_id(), self._money, self._moment
        row = (its, self._shop_id, node["legacyResourceId"], node["title"], node["handle"], node["vendor"])
        row += (node["productType"], at(node["createdAt"]), at(node["updatedAt"]))
        variants = []
        for variant in node["variants"]["nodes"]:
            cost = variant["inventoryItem"]["unitCost"]
            cells = (new_id(), its, variant["legacyResourceId"], variant["title"], variant["sku"])
            cells += (money(variant["price"]), money(cost["amount"]) if cost else None, variant["inventoryQuantity"])
            variants.append(cells)
        return {"Product": [row], "Variant": variants}

    def _customer(self, node: Node) -> Rows:
        its, email = new_id(), node["defaultEmailAddress"]
        self._customers[node["legacyResourceId"]] = its
        row = (its, self._shop_id, node["legacyResourceId"], email["emailAddress"] if email else None)
        return {"Customer": [(*row, node["firstName"], node["lastName"], self._moment(node["createdAt"]))]}

    def _order(self, node: Node) -> Rows:
        its, at = new_id(), self._moment
        customer = node["customer"]
        row = (its, self._shop_id, node["legacyResourceId"])
        row += (self._customers.get(customer["legacyResourceId"]) if customer else None, node["name"].removeprefix("#"))
        row += tuple(self._amount(node[f"{name}Set"]) for name in TOTALS)
        row += (node["currencyCode"], node["displayFinancialStatus"], node["displayFulfillmentStatus"])
        row += (at(node["createdAt"]), at(node["updatedAt"]))
        lines = [self._line(line, its) for line in node["lineItems"]["nodes"]]
        refunds = [
            (new_id(), its, r["legacyResourceId"], self._amount(r["totalRefundedSet"]), at(r["createdAt"]))
            for r in node["refunds"]
        ]
        return {"Order": [row], "OrderLineItem": lines, "Refund": refunds}

    def _line(self, node: Node, order_id: str) -> tuple[Any, ...]:
        product, variant = node["product"], node["variant"]
        row = (new_id(), order_id, node["id"].rpartition("/")[2], product["legacyResourceId"] if product else None)
        row += (variant["legacyResourceId"] if variant else None, node["title"], node["quantity"])
        return (*row, self._amount(node["originalUnitPriceSet"]), self._amount(node["totalDiscountSet"]))

    def _amount(self, bag: Node) -> Any:
        return self._money(bag["shopMoney"]["amount"])

    def _insert(self, rows: Rows) -> None:
        with self._driver.cursor() if self._postgres else _Closing(self._driver) as cursor:
            for table, found in rows.items():
                names = ", ".join(f'"{name}"' for name in COLUMNS[table].split())
                if self._postgres:
                    with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                        for row in found:
                            copy.write_row(row)
                else:
                    marks = ", ".join("?" for _ in COLUMNS[table].split())
                    cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', found)
        self._driver.commit()


class _Closing:
    """A SQLite cursor as a context."""

    def __init__(self, driver: Any) -> None:
        self._cursor = driver.cursor()

    def __enter__(self) -> Any:
        self._cursor.execute("BEGIN IMMEDIATE")
        return self._cursor

    def __exit__(self, *_error: object) -> None:
        self._cursor.close()


def _gathered(parts: Iterator[Rows]) -> Rows:
    whole: Rows = {}
    for part in parts:
        for table, rows in part.items():
            whole.setdefault(table, []).extend(rows)
    return whole


def _text(moment: str) -> str:
    return datetime.fromisoformat(moment).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
