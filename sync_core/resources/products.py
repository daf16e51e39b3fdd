"""Products with their variants."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sync_core.resources.resource import Branch, Bulk, Node, Resource, Tail
from sync_core.store import PRODUCTS, VARIANTS, Batch, Row

PRODUCT_FIELDS = "id legacyResourceId title handle vendor productType createdAt updatedAt"
VARIANT_FIELDS = "legacyResourceId title sku price inventoryQuantity inventoryItem { unitCost { amount } }"

PAGE = f"""
query Products($first: Int!, $after: String, $query: String, $sort: ProductSortKeys!, $variants: Int!) {{
  products(first: $first, after: $after, query: $query, sortKey: $sort) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      {PRODUCT_FIELDS}
      variants(first: $variants) {{
        pageInfo {{ hasNextPage endCursor }}
        nodes {{ {VARIANT_FIELDS} }}
      }}
    }}
  }}
}}
"""

VARIANTS_TAIL = f"""
query Variants($id: ID!, $first: Int!, $after: String) {{
  product(id: $id) {{
    variants(first: $first, after: $after) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ {VARIANT_FIELDS} }}
    }}
  }}
}}
"""


def rows(nodes: list[Node]) -> Batch:
    """A page's rows; each variant names its product."""
    variants = [
        _variant(variant, product["legacyResourceId"]) for product in nodes for variant in product["variants"]["nodes"]
    ]
    return Batch(PRODUCTS, [_product(node) for node in nodes], {VARIANTS: variants}, whole=frozenset({VARIANTS}))


def _product(node: Node) -> Row:
    return {
        "shopifyId": str(node["legacyResourceId"]),
        "title": node["title"],
        "handle": node["handle"],
        "vendor": node["vendor"],
        "productType": node["productType"],
        "createdAt": datetime.fromisoformat(node["createdAt"]),
        "updatedAt": datetime.fromisoformat(node["updatedAt"]),
    }


def _variant(node: Node, product_id: str | int) -> Row:
    cost = (node["inventoryItem"] or {}).get("unitCost")
    return {
        "shopifyId": str(node["legacyResourceId"]),
        "productId": str(product_id),
        "title": node["title"],
        "sku": node["sku"],
        "price": Decimal(node["price"]),
        "cost": Decimal(cost["amount"]) if cost else None,
        "inventoryQuantity": node["inventoryQuantity"],
    }


RESOURCE = Resource(
    name="products",
    scope="read_products",
    document=PAGE,
    count="productsCount",
    rows=rows,
    page_points=90,
    most_points=233,
    tails=(Tail("variants", "product", VARIANTS_TAIL),),
    options=lambda _scopes: {"variants": 100},
    required=True,
    bulk=Bulk(
        selection=lambda _scopes: PRODUCT_FIELDS,
        branches={"ProductVariant": Branch("variants", f"id {VARIANT_FIELDS}", VARIANTS, _variant)},
        objects=5,
    ),
)
