"""Shopify's signature of a webhook, and what its headers say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sync_core.errors import BadInput
from sync_core.shopify import webhooks

RAW = b'{"id": 1, "name": "caf\xc3\xa9"}'
HEADERS = {
    "X-Shopify-Topic": "app/uninstalled",
    "X-Shopify-Shop-Domain": "Atelier-Moreau.myshopify.com",
    "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    "X-Shopify-Triggered-At": "2026-11-02T09:29:00.123456789Z",
}


@pytest.mark.parametrize("secrets", [["hush"], ["new", "hush"]])
def test_a_body_signed_by_one_of_our_secrets_is_shopifys(secrets: list[str]) -> None:
    given = webhooks.signature(RAW, "hush").decode()

    assert webhooks.is_signed(RAW, given, secrets)


def test_the_signature_is_base64_of_sha256() -> None:
    """printf '' | openssl dgst -sha256 -hmac key -binary | base64"""
    assert webhooks.signature(b"", "key") == b"XV0TlWPJW1lnub2ajJsjOp3ttFByeUzSMtwbdIMmB9A="


@pytest.mark.parametrize("given", ["", "x", "ä", webhooks.signature(RAW, "other").decode()])
def test_another_signature_is_not_shopifys(given: str) -> None:
    assert not webhooks.is_signed(RAW, given, ["hush"])


def test_a_changed_byte_is_not_shopifys() -> None:
    given = webhooks.signature(RAW, "hush").decode()

    assert not webhooks.is_signed(RAW + b"\n", given, ["hush"])


@pytest.mark.parametrize("change", [str, str.lower, str.upper])
def test_headers_are_read_in_any_case(change: type[str]) -> None:
    delivery = webhooks.read_headers({change(name): value for name, value in HEADERS.items()})

    assert delivery == webhooks.Delivery(
        webhook_id="b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        topic="app/uninstalled",
        shop_domain="atelier-moreau.myshopify.com",
        triggered_at=datetime(2026, 11, 2, 9, 29, 0, 123456, tzinfo=UTC),
    )


@pytest.mark.parametrize("name", ["X-Shopify-Topic", "X-Shopify-Shop-Domain", "X-Shopify-Webhook-Id"])
@pytest.mark.parametrize("value", ["", "x" * 256, None])
def test_a_missing_header_is_named(name: str, value: str | None) -> None:
    headers = {key: text for key, text in {**HEADERS, name: value}.items() if text is not None}

    with pytest.raises(BadInput) as caught:
        webhooks.read_headers(headers)

    assert caught.value.field == name.lower()


@pytest.mark.parametrize("topic", ["uninstalled", "app/", "/x", "app/x\n", "app/uninstalled;drop"])
def test_a_topic_has_two_words(topic: str) -> None:
    with pytest.raises(BadInput, match="x-shopify-topic"):
        webhooks.read_headers({**HEADERS, "X-Shopify-Topic": topic})


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-11-02T09:29:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"],
)
def test_a_moment_that_is_none_is_not_known(text: str) -> None:
    assert webhooks.read_headers({**HEADERS, "X-Shopify-Triggered-At": text}).triggered_at is None
