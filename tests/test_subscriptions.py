"""The documents that list and create webhook subscriptions, against Shopify's own schema as the sandbox has it."""

from __future__ import annotations

import httpx
import pytest
from graphql import parse, validate

from sync_core.config import Settings
from sync_core.sandbox.graphql.schema import load_schema
from sync_core.shopify.client import ShopifyClient
from sync_core.shopify.subscriptions import LIST, TOPICS, creation, subscribe
from sync_core.shopify.throttle import Limiters


def test_the_documents_are_valid() -> None:
    for document in (LIST, creation(TOPICS), creation(["SHOP_UPDATE"])):
        assert validate(load_schema(), parse(document)) == []


def test_of_a_changed_row_only_its_id_is_asked_for() -> None:
    lines = creation(TOPICS).splitlines()

    spare = {line.split(":")[0].strip() for line in lines if 'includeFields: ["id", "updated_at"]' in line}
    assert spare == {
        *("PRODUCTS_CREATE", "PRODUCTS_UPDATE", "CUSTOMERS_CREATE", "CUSTOMERS_UPDATE"),
        *("ORDERS_CREATE", "ORDERS_UPDATED"),
    }


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ({"userErrors": []}, set()),
        ({"userErrors": [{"message": "Address for this topic has already been taken"}]}, set()),
        ({"userErrors": [{"message": "Address protocol http:// is not supported"}]}, {"SHOP_UPDATE"}),
        (None, {"SHOP_UPDATE"}),
    ],
)
def test_what_shopify_refuses_is_missing_and_what_is_there_already_is_not(
    settings: Settings, answer: object, refused: set[str]
) -> None:
    wire = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": {"SHOP_UPDATE": answer}}))
    with httpx.Client(transport=wire) as http:
        own = {"settings": settings, "http": http, "limiter": Limiters().of("one.myshopify.com")}
        client = ShopifyClient("one.myshopify.com", "shpat", **own)  # type: ignore[arg-type]

        assert subscribe(client, "https://a.example.com/hook", ["SHOP_UPDATE"]) == refused
