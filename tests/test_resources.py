"""What each resource asks for, and how its answer becomes rows."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from graphql import NoDeprecatedCustomRule, specified_rules

from sync_core.config import RESOURCE_NAMES
from sync_core.progress import CHANGES, FULL, Leg
from sync_core.resources import (
    RESOURCES,
    blogs,
    chosen,
    collections,
    customers,
    ids,
    online_pages,
    orders,
    policies,
    products,
    shop,
)
from sync_core.resources.pages import LARGEST_PAGE, SMALLEST_PAGE, PageSize, changed_since, totals_document
from sync_core.resources.resource import Resource, grants
from sync_core.roads import bulk as bulk_road
from sync_core.shopify import bulk
from sync_core.store import CUSTOMERS, KINDS, LINE_ITEMS, MEMBERS, REFUNDS, VARIANTS

CHECKER = Path(__file__).resolve().parents[1].parent / "shared" / "tools" / "check_graphql.py"
MOST_POINTS = 1000

DOCUMENTS = {
    "shop": shop.DOCUMENT,
    **{resource.name: resource.document for resource in RESOURCES},
    **{f"{resource.name} {tail.field}": tail.document for resource in RESOURCES for tail in resource.tails},
    **{f"total of {resource.name}": totals_document([resource]) for resource in RESOURCES},
    **{f"ids of {resource.name}": ids.document(resource) for resource in RESOURCES},
    "totals": totals_document(RESOURCES),
}

BULK = [resource for resource in RESOURCES if resource.bulk is not None]
SCOPES = frozenset({"read_products", "read_customers", "read_orders"})

PRODUCT: dict[str, Any] = {
    "legacyResourceId": "11",
    "title": "Pot",
    "handle": "pot",
    "vendor": "Clay",
    "productType": "Outdoor",
    "createdAt": "2026-01-02T03:04:05Z",
    "updatedAt": "2026-02-03T04:05:06Z",
    "variants": {
        "nodes": [
            {
                "legacyResourceId": 21,
                "title": "Large / Red",
                "sku": None,
                "price": "15.90",
                "inventoryQuantity": -2,
                "inventoryItem": {"unitCost": {"amount": "4.5"}},
            }
        ]
    },
}


def bag(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount}}


ORDER: dict[str, Any] = {
    "legacyResourceId": "31",
    "name": "#1001",
    "currencyCode": "EUR",
    "createdAt": "2026-01-02T03:04:05Z",
    "updatedAt": "2026-02-03T04:05:06Z",
    "displayFinancialStatus": "PAID",
    "displayFulfillmentStatus": "UNFULFILLED",
    "totalPriceSet": bag("119.0"),
    "subtotalPriceSet": bag("100.0"),
    "totalTaxSet": None,
    "totalDiscountsSet": bag("0.0"),
    "customer": {"legacyResourceId": "41"},
    "refunds": [{"legacyResourceId": "51", "createdAt": None, "totalRefundedSet": bag("9.99")}],
    "lineItems": {
        "nodes": [
            {
                "id": "gid://shopify/LineItem/61",
                "title": "Pot",
                "quantity": 2,
                "originalUnitPriceSet": bag("50.0"),
                "totalDiscountSet": bag("1.25"),
                "product": None,
                "variant": {"legacyResourceId": "21"},
            }
        ]
    },
}


@pytest.fixture(scope="session")
def checker() -> ModuleType:
    """The checker of documents against Shopify's own schema, where it lies beside the repository."""
    if not CHECKER.is_file():
        pytest.skip("Shopify's schema is not beside the repository")
    spec = importlib.util.spec_from_file_location("check_graphql", CHECKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def schema(checker: ModuleType) -> Any:
    return checker.load_schema()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_document_is_valid_and_cheap_enough(checker: ModuleType, schema: Any, name: str) -> None:
    document = checker.parse(DOCUMENTS[name])

    errors = checker.validate(schema, document)
    deprecated = checker.validate(schema, document, [checker.NoDeprecatedCustomRule])
    points = checker.selection_cost(schema, schema.query_type, document.definitions[0].selection_set)

    assert (errors, deprecated) == ([], [])
    assert points < MOST_POINTS


@pytest.mark.parametrize("kind", [FULL, CHANGES])
@pytest.mark.parametrize("resource", BULK, ids=lambda resource: resource.name)
def test_each_bulk_query_is_valid_and_within_shopifys_limits(
    checker: ModuleType, schema: Any, resource: Resource, kind: str, now: datetime
) -> None:
    document = checker.parse(bulk_road.document(resource, Leg(kind, now, now), SCOPES))

    errors = checker.validate(schema, document, [*specified_rules, NoDeprecatedCustomRule])
    connections, nesting = checker.connections(schema, schema.query_type, document.definitions[0].selection_set)

    assert errors == []
    assert connections <= 5
    assert nesting <= 2


@pytest.mark.parametrize("name", ["RUN", "STATUS", "NEWEST", "CANCEL"])
def test_each_document_about_bulk_operations_is_valid(checker: ModuleType, schema: Any, name: str) -> None:
    assert checker.validate(schema, checker.parse(getattr(bulk, name))) == []


def test_resources_come_in_the_order_in_which_they_name_each_other() -> None:
    assert [resource.name for resource in RESOURCES][:3] == ["products", "customers", "orders"]
    assert [resource.name for resource in RESOURCES if resource.required] == ["products"]


def test_each_name_that_may_be_chosen_is_a_resource_with_a_place_for_its_rows() -> None:
    assert tuple(resource.name for resource in RESOURCES) == RESOURCE_NAMES == tuple(KINDS)
    assert [resource.name for resource in chosen(("blogs", "products"))] == ["products", "blogs"]


def test_a_collection_becomes_a_row_and_a_row_for_each_of_its_products() -> None:
    node = {
        "id": "gid://shopify/Collection/71",
        "title": "Pots",
        "handle": "pots",
        "descriptionHtml": "<p>All</p>",
        "sortOrder": "MANUAL",
        "updatedAt": "2026-02-03T04:05:06Z",
        "image": None,
        "products": {"nodes": [{"id": "gid://shopify/Product/11"}, {"id": "gid://shopify/Product/12"}]},
    }

    batch = collections.rows([node])

    assert (batch.rows[0]["shopify_id"], batch.rows[0]["image_url"]) == ("71", None)
    assert [row["shopify_id"] for row in batch.children[MEMBERS]] == ["71/11", "71/12"]
    assert batch.whole == {MEMBERS}


def test_what_has_no_moment_of_a_change_was_changed_when_it_was_made() -> None:
    text = {"title": "News", "handle": "news", "createdAt": "2026-01-02T03:04:05Z", "updatedAt": None}
    article = {"body": "", "summary": None, "tags": ["a", "b"], "publishedAt": None}

    blog = blogs.blog_rows([{"id": "gid://shopify/Blog/81", **text}]).rows[0]
    row = blogs.article_rows([{"id": "gid://shopify/Article/91", "blog": {"id": "x/81"}, **text, **article}]).rows[0]

    assert blog["updated_at"] == blog["created_at"] == row["updated_at"]
    assert (row["blog_id"], row["tags"], row["published_at"]) == ("81", "a, b", None)


def test_either_scope_of_the_online_store_opens_its_pages() -> None:
    pages = online_pages.RESOURCE

    assert pages.readable(frozenset({"read_content"}))
    assert pages.readable(frozenset({"write_online_store_pages"}))
    assert not pages.readable(frozenset({"read_products"}))
    assert not policies.RESOURCE.readable(frozenset({"read_content"}))


def test_a_product_becomes_a_row_and_its_variants_name_it() -> None:
    batch = products.rows([PRODUCT])

    assert batch.rows[0]["shopifyId"] == "11"
    assert batch.rows[0]["updatedAt"] == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert batch.children[VARIANTS] == [
        {
            "shopifyId": "21",
            "productId": "11",
            "title": "Large / Red",
            "sku": None,
            "price": Decimal("15.90"),
            "cost": Decimal("4.5"),
            "inventoryQuantity": -2,
        }
    ]


@pytest.mark.parametrize("item", [None, {"unitCost": None}])
def test_a_variant_may_have_no_cost(item: dict[str, Any] | None) -> None:
    variant = {**PRODUCT["variants"]["nodes"][0], "inventoryItem": item}

    batch = products.rows([{**PRODUCT, "variants": {"nodes": [variant]}}])

    assert batch.children[VARIANTS][0]["cost"] is None


@pytest.mark.parametrize(("address", "email"), [(None, None), ({"emailAddress": "a@example.com"}, "a@example.com")])
def test_a_customer_may_have_no_address(address: dict[str, str] | None, email: str | None) -> None:
    node = {"legacyResourceId": "41", "firstName": None, "lastName": "Diaz", "createdAt": "2026-01-02T03:04:05Z"}

    batch = customers.rows([{**node, "defaultEmailAddress": address}])

    assert batch.rows[0]["email"] == email


def test_an_order_becomes_a_row_with_its_lines_and_refunds() -> None:
    batch = orders.rows([ORDER])

    order = batch.rows[0]
    assert (order["orderNumber"], order["customerId"], order["totalTax"]) == ("1001", "41", Decimal(0))
    assert batch.links == {"customerId": CUSTOMERS}
    line = batch.children[LINE_ITEMS][0]
    assert (line["shopifyId"], line["orderId"], line["productId"], line["variantId"]) == ("61", "31", None, "21")
    assert batch.children[REFUNDS][0]["createdAt"] == order["updatedAt"]


def test_an_order_read_without_its_customer_names_none() -> None:
    node = {name: value for name, value in ORDER.items() if name != "customer"}

    assert orders.rows([node]).rows[0]["customerId"] is None


def test_a_write_scope_includes_its_read_scope() -> None:
    assert grants(frozenset({"write_products"}), "read_products")
    assert not grants(frozenset({"write_orders"}), "read_products")


def test_changes_are_asked_from_five_minutes_before_the_watermark() -> None:
    watermark = datetime(2026, 11, 2, 9, 30, 0, 900_000, tzinfo=UTC)

    assert changed_since(watermark) == "updated_at:>='2026-11-02T09:25:00Z'"


def test_a_page_shrinks_to_the_smallest_and_says_when_it_cannot() -> None:
    size = PageSize()

    halvings = 0
    while size.halve():
        halvings += 1

    assert (size.first, halvings) == (SMALLEST_PAGE, 6)


def test_a_page_grows_back_to_the_largest_but_no_further() -> None:
    size = PageSize()
    size.halve()

    for _ in range(20):
        size.grow()

    assert size.first == LARGEST_PAGE


def test_a_page_that_cost_too_much_does_not_grow_back() -> None:
    size = PageSize()
    size.halve(for_good=True)

    size.grow()

    assert size.first == LARGEST_PAGE // 2
