"""Orders with their line items and refunds."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sync_core.resources.resource import Branch, Bulk, Node, Resource, Scopes, Tail, Window, grants
from sync_core.store import CUSTOMERS, LINE_ITEMS, ORDERS, REFUNDS, Batch, Row

MONEY = "{ shopMoney { amount } }"

LINE_ITEM_FIELDS = f"""id title quantity originalUnitPriceSet {MONEY} totalDiscountSet {MONEY}
          product {{ legacyResourceId }} variant {{ legacyResourceId }}"""

ORDER_FIELDS = f"""id legacyResourceId name currencyCode createdAt updatedAt
      displayFinancialStatus displayFulfillmentStatus
      totalPriceSet {MONEY} subtotalPriceSet {MONEY} totalTaxSet {MONEY} totalDiscountsSet {MONEY}
      refunds {{ legacyResourceId createdAt totalRefundedSet {MONEY} }}"""

# Order.customer needs read_customers: without that scope it would cost us the whole page.
PAGE = f"""
query Orders(
  $first: Int!, $after: String, $query: String, $sort: OrderSortKeys!, $lines: Int!, $customers: Boolean!
) {{
  orders(first: $first, after: $after, query: $query, sortKey: $sort) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      {ORDER_FIELDS}
      customer @include(if: $customers) {{ legacyResourceId }}
      lineItems(first: $lines) {{
        pageInfo {{ hasNextPage endCursor }}
        nodes {{ {LINE_ITEM_FIELDS} }}
      }}
    }}
  }}
}}
"""

LINE_ITEMS_TAIL = f"""
query LineItems($id: ID!, $first: Int!, $after: String) {{
  order(id: $id) {{
    lineItems(first: $first, after: $after) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ {LINE_ITEM_FIELDS} }}
    }}
  }}
}}
"""


def _bulk_fields(scopes: Scopes) -> str:
    # A bulk query takes no variables, so what may not be read is left out of the text.
    customer = " customer { legacyResourceId }" if grants(scopes, "read_customers") else ""
    return ORDER_FIELDS + customer


def rows(nodes: list[Node]) -> Batch:
    """A page's rows; line items and refunds name their order, orders name Shopify's customer."""
    lines = [_line_item(line, node["legacyResourceId"]) for node in nodes for line in node["lineItems"]["nodes"]]
    refunds = [_refund(refund, node) for node in nodes for refund in node["refunds"]]
    children = {LINE_ITEMS: lines, REFUNDS: refunds}
    links = {"customerId": CUSTOMERS}
    return Batch(ORDERS, [_order(node) for node in nodes], children, links, whole=frozenset(children))


def _order(node: Node) -> Row:
    return {
        "shopifyId": str(node["legacyResourceId"]),
        "customerId": _numeric(node.get("customer")),
        "orderNumber": node["name"].removeprefix("#"),
        "totalPrice": _amount(node["totalPriceSet"]),
        "subtotalPrice": _amount(node["subtotalPriceSet"]),
        "totalTax": _amount(node["totalTaxSet"]),
        "totalDiscounts": _amount(node["totalDiscountsSet"]),
        "currency": node["currencyCode"],
        "financialStatus": node["displayFinancialStatus"],
        "fulfillmentStatus": node["displayFulfillmentStatus"],
        "createdAt": datetime.fromisoformat(node["createdAt"]),
        "updatedAt": datetime.fromisoformat(node["updatedAt"]),
    }


def _line_item(node: Node, order_id: str | int) -> Row:
    return {
        "shopifyId": node["id"].rpartition("/")[2],
        "orderId": str(order_id),
        "productId": _numeric(node["product"]),
        "variantId": _numeric(node["variant"]),
        "title": node["title"],
        "quantity": node["quantity"],
        "price": _amount(node["originalUnitPriceSet"]),
        "totalDiscount": _amount(node["totalDiscountSet"]),
    }


def _refund(node: Node, order: Node) -> Row:
    # A refund of a deleted transaction may have no moment of its own.
    created = node["createdAt"] or order["updatedAt"]
    return {
        "shopifyId": str(node["legacyResourceId"]),
        "orderId": str(order["legacyResourceId"]),
        "amount": _amount(node["totalRefundedSet"]),
        "createdAt": datetime.fromisoformat(created),
    }


def _amount(bag: Node | None) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"]) if bag else Decimal(0)


def _numeric(node: Node | None) -> str | None:
    return str(node["legacyResourceId"]) if node else None


RESOURCE = Resource(
    name="orders",
    scope="read_orders",
    document=PAGE,
    count="ordersCount",
    rows=rows,
    page_points=320,
    most_points=552,
    tails=(Tail("lineItems", "order", LINE_ITEMS_TAIL),),
    options=lambda scopes: {"lines": 20, "customers": grants(scopes, "read_customers")},
    window=Window(60, "read_all_orders"),
    bulk=Bulk(
        selection=_bulk_fields,
        branches={"LineItem": Branch("lineItems", LINE_ITEM_FIELDS, LINE_ITEMS, _line_item)},
        objects=4,
    ),
)
