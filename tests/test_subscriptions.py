"""The documents that list and create webhook subscriptions, against Shopify's own schema as the sandbox has it."""

from __future__ import annotations

from graphql import parse, validate

from sync_core.sandbox.graphql.schema import load_schema
from sync_core.shopify.subscriptions import LIST, TOPICS, creation


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
