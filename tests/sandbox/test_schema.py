"""The subset is Shopify's own schema, and what is not in it is refused in Shopify's words."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    parse,
    validate,
)

from sync_core.sandbox.graphql.schema import load_schema
from tests.sandbox.app import SCOPES, App
from tests.sandbox.conftest import MakeApp

SHARED = Path(__file__).parents[3] / "shared" / "shopify"
ADMIN = SHARED / "admin_2026-10.json.gz"
needs_schema = pytest.mark.skipif(not ADMIN.is_file(), reason="Shopify's schema is not beside this checkout")
Fielded = GraphQLObjectType | GraphQLInterfaceType
SERVED = (
    "ShopIdentity ProductsPage ProductVariantsTail ProductById ProductIdsPage ProductMediaPage OrdersPage "
    "CustomersPage OrderCustomerTotals NodesById WebhookCreate WebhookList ApiVersions BulkRun BulkStatus BulkList "
    "BulkCancel PagesPage BlogsPage ArticlesPage ShopPolicies CollectionProductsPage"
).split()


def signatures(schema: GraphQLSchema) -> dict[str, str]:
    """Every member of the schema as "Type.member(arguments)" → its type."""
    found: dict[str, str] = {}
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(kind, GraphQLEnumType):
            found |= dict.fromkeys((f"{name}.{value}" for value in kind.values), "")
        elif isinstance(kind, Fielded | GraphQLInputObjectType):
            for member, field in kind.fields.items():
                found[f"{name}.{member}"] = str(field.type)
                for argument, value in getattr(field, "args", {}).items():
                    found[f"{name}.{member}.{argument}"] = f"{value.type} = {value.default_value}"
    return found


@needs_schema
def test_every_member_of_the_subset_is_shopifys() -> None:
    with gzip.open(ADMIN) as file:
        shopify: Any = json.load(file)

    theirs = signatures(build_client_schema(shopify["data"], assume_valid=True))

    ours = signatures(load_schema())
    assert {name: kind for name, kind in ours.items() if theirs.get(name) != kind} == {}


@needs_schema
def test_an_enum_or_input_of_the_subset_lacks_no_value_a_document_may_use() -> None:
    with gzip.open(ADMIN) as file:
        shopify: Any = json.load(file)

    theirs = signatures(build_client_schema(shopify["data"], assume_valid=True))

    enums = [name for name, kind in load_schema().type_map.items() if isinstance(kind, GraphQLEnumType)]
    wanted = {name for name in theirs if name.split(".")[0] in enums and not name.startswith("__")}
    assert wanted - signatures(load_schema()).keys() == set()


@needs_schema
@pytest.mark.parametrize("name", SERVED)
def test_documents_valid_at_shopify_are_served(name: str) -> None:
    document = parse((SHARED / "queries" / f"{name}.graphql").read_text())

    assert validate(load_schema(), document) == []


KINDS = "Product ProductVariant Customer Order LineItem Refund Shop Collection Page Blog Article".split()


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_an_object_has_a_value(make_app: MakeApp, kind: str) -> None:
    app = make_app(orders=100, throttle=False)
    app.install(scope=f"{SCOPES},read_content,read_legal_policies")
    selection = _everything(load_schema().type_map[kind], depth=3)
    roots = {
        "Product": "products(first: 3) { nodes { %s } }",
        "ProductVariant": "productVariants(first: 3) { nodes { %s } }",
        "Customer": "customers(first: 3) { nodes { %s } }",
        "Order": "orders(first: 3) { nodes { %s } }",
        "LineItem": "orders(first: 3) { nodes { lineItems(first: 2) { nodes { %s } } } }",
        "Refund": "orders(first: 100) { nodes { refunds { %s } } }",
        "Shop": "shop { %s }",
        "Collection": "collections(first: 3) { nodes { %s } }",
        "Page": "pages(first: 3) { nodes { %s } }",
        "Blog": "blogs(first: 3) { nodes { %s } }",
        "Article": "articles(first: 3) { nodes { %s } }",
    }

    answer = app.ask("{ " + roots[kind] % selection + " }")

    assert "errors" not in answer or answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def _everything(kind: Any, depth: int) -> str:
    """A selection of every field, connections left out below the first level."""
    parts = []
    for name, field in kind.fields.items():
        named = getattr(field.type, "of_type", field.type)
        while hasattr(named, "of_type"):
            named = named.of_type
        if named.name.endswith("Connection"):
            continue
        if not hasattr(named, "fields"):
            parts.append(name)
        elif depth and (inner := _everything(named, depth - 1)):
            parts.append(f"{name} {{ {inner} }}")
    return " ".join(parts)


def test_an_unknown_field_is_refused_in_shopifys_words(app: App) -> None:
    answer = app.post("{ shop { nope } }")

    assert answer.status_code == 200
    assert answer.json()["errors"][0]["message"] == "Field 'nope' doesn't exist on type 'Shop'"
    assert answer.json()["errors"][0]["extensions"]["code"] == "undefinedField"


def test_an_unknown_argument_is_refused(app: App) -> None:
    error = app.ask("{ products(first: 1, colour: 2) { nodes { id } } }")["errors"][0]

    assert error["extensions"]["code"] == "argumentNotAccepted"


def test_a_missing_variable_is_refused(app: App) -> None:
    error = app.ask("query Q($first: Int!) { products(first: $first) { nodes { id } } }")["errors"][0]

    assert error["extensions"]["code"] == "INVALID_VARIABLE"


def test_fragments_aliases_and_directives_work(app: App) -> None:
    query = """query Q($with: Boolean!) {
      mine: products(first: 1) { nodes { ...Names kind: __typename vendor @include(if: $with) } }
    }
    fragment Names on Product { title ... on Node { id } }"""

    without = app.ask(query, **{"with": False})["data"]["mine"]["nodes"][0]
    included = app.ask(query, **{"with": True})["data"]["mine"]["nodes"][0]

    assert list(without) == ["title", "id", "kind"]
    assert list(included) == ["title", "id", "kind", "vendor"]


def test_nodes_answer_by_type_and_null_for_what_is_gone(app: App) -> None:
    product = app.ask("{ products(first: 1) { nodes { id title } } }")["data"]["products"]["nodes"][0]
    query = "query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Product { title } } }"

    found = app.ask(query, ids=[product["id"], "gid://shopify/Product/1", "gid://shopify/Nonsense/1"])["data"]["nodes"]

    assert found == [{"__typename": "Product", **product}, None, None]


@pytest.mark.parametrize(
    ("asked", "served"),
    [("2026-10", "2026-10"), ("2026-01", "2026-01"), ("2025-10", "2026-01"), ("2020-01", "2026-01")],
)
def test_an_unsupported_version_falls_forward(app: App, asked: str, served: str) -> None:
    answer = app.post("{ shop { id } }", version=asked)

    assert answer.headers["X-Shopify-API-Version"] == served
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"variables": {}}'])
def test_a_body_that_is_no_query_is_a_bad_request(app: App, body: bytes) -> None:
    url = "/northern-oak.myshopify.com/admin/api/2026-10/graphql.json"

    answer = app.client.post(url, content=body, headers={"X-Shopify-Access-Token": app.token})

    assert answer.status_code == 400
