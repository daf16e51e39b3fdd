"""Which of a shop's events Shopify tells us, as subscriptions of the shop: what is there, and creating what is not.

Source: Shopify's pages on webhookSubscriptions. A subscription whose deliveries failed eight times in a row is
deleted by Shopify, silently. The three privacy topics are no part of this API: they stand in the app's own
configuration. Knows no tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sync_core.shopify.client import ShopifyClient

TOPICS: dict[str, str | None] = {
    "APP_UNINSTALLED": None,
    "APP_SCOPES_UPDATE": None,
    "SHOP_UPDATE": None,
    "BULK_OPERATIONS_FINISH": None,
    "PRODUCTS_CREATE": "read_products",
    "PRODUCTS_UPDATE": "read_products",
    "PRODUCTS_DELETE": "read_products",
    "CUSTOMERS_CREATE": "read_customers",
    "CUSTOMERS_UPDATE": "read_customers",
    "CUSTOMERS_DELETE": "read_customers",
    "ORDERS_CREATE": "read_orders",
    "ORDERS_UPDATED": "read_orders",
    "ORDERS_DELETE": "read_orders",
}
"""What the inbox works, and the scope that each needs."""

LIST = """query Subscriptions($uri: String!) {
  webhookSubscriptions(first: 100, uri: $uri) { nodes { topic } }
}"""
CREATE = """mutation Subscribe($uri: String!) {
%s
}"""
ONE = "  %s: webhookSubscriptionCreate(topic: %s, webhookSubscription: {%s}) { userErrors { message } }"
TAKEN = "already been taken"


def present(client: ShopifyClient, address: str) -> set[str]:
    """Topics that come to this address. Errors: every ShopifyError; Released."""
    reply = client.execute(LIST, {"uri": address})
    return {str(node["topic"]) for node in reply.data["webhookSubscriptions"]["nodes"]}


def subscribe(client: ShopifyClient, address: str, topics: Iterable[str]) -> set[str]:
    """Create these subscriptions in one request; the topics that Shopify refused. Errors: as above."""
    reply = client.execute(creation(topics), {"uri": address})
    return {topic for topic, answer in reply.data.items() if not _is_there(answer)}


def creation(topics: Iterable[str]) -> str:
    """The document that creates them, each under its own name."""
    return CREATE % "\n".join(ONE % (topic, topic, _wanted(topic)) for topic in topics)


def _wanted(topic: str) -> str:
    """Of a changed row its id is enough: what is never sent need not be kept safe."""
    changed = topic.endswith(("_CREATE", "_UPDATED")) or (topic.endswith("_UPDATE") and TOPICS[topic] is not None)
    return "uri: $uri" + (', includeFields: ["id", "updated_at"]' if changed else "")


def _is_there(answer: dict[str, Any] | None) -> bool:
    return answer is not None and all(TAKEN in str(error["message"]) for error in answer["userErrors"])
