"""Webhooks: verified first, kept once, answered 200; an uninstall is worked at once."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from dashboard.api.desk import Desk
from sync_core import credentials
from sync_core.models import WebhookInbox
from sync_core.shopify import webhooks
from tests.api.client import TestClient
from tests.api.conftest import DOMAIN, OLD_SECRET, SECRET, Shops, client_of
from tests.conftest import MakeSettings
from tests.test_domains import HOSTILE

TOPICS = [
    "app/scopes_update",
    "shop/update",
    "products/update",
    "products/delete",
    "customers/create",
    "orders/create",
    "bulk_operations/finish",
    "customers/data_request",
    "customers/redact",
    "shop/redact",
]


def deliver(
    api: TestClient, *, topic: str = "app/uninstalled", raw: bytes = b"{}", secret: str = SECRET, **headers: str
) -> httpx.Response:
    given = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": DOMAIN,
        "X-Shopify-Webhook-Id": str(uuid4()),
        "X-Shopify-Hmac-Sha256": webhooks.signature(raw, secret).decode(),
        **{f"X-Shopify-{name.replace('_', '-')}": value for name, value in headers.items()},
    }
    return api.post("/webhooks/shopify", content=raw, headers={name: text for name, text in given.items() if text})


def inbox(desk: Desk) -> list[WebhookInbox]:
    with desk.database.read() as session:
        return list(session.execute(select(WebhookInbox)).scalars())


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_kept_for_later(api: TestClient, desk: Desk, topic: str) -> None:
    raw = json.dumps({"id": 1, "name": "café"}).encode()

    reply = deliver(api, topic=topic, raw=raw, Triggered_At="2026-11-02T09:29:00Z")

    assert (reply.status_code, reply.json()) == (200, {"success": True, "duplicate": False})
    (row,) = inbox(desk)
    assert (row.topic, row.shop_domain, row.body, row.handled_at) == (topic, DOMAIN, raw.decode(), None)
    assert row.triggered_at == desk.clock() - timedelta(minutes=1)


def test_the_old_secret_is_taken_while_rotating(api: TestClient) -> None:
    assert deliver(api, secret=OLD_SECRET).status_code == 200


@pytest.mark.parametrize("given", ["", "x", hashlib.sha256(b"{}").hexdigest()])
def test_a_bad_signature_is_refused_before_anything_else(api: TestClient, desk: Desk, given: str) -> None:
    reply = deliver(api, topic="", Hmac_Sha256=given, Shop_Domain="evil.example")

    assert (reply.status_code, reply.json()) == (401, {"error": "Unauthorized"})
    assert inbox(desk) == []


def test_a_signature_of_other_bytes_is_refused(api: TestClient) -> None:
    reply = deliver(api, raw=b"{} ", Hmac_Sha256=webhooks.signature(b"{}", SECRET).decode())

    assert reply.status_code == 401


def test_an_unset_secret_takes_nothing(desk: Desk, make_settings: MakeSettings) -> None:
    unset = make_settings(shopify_api_secret=None, database_url=desk.settings.database_url)
    api = client_of(Desk(unset, desk.database, desk.vault, desk.http, desk.clock))

    reply = deliver(api, secret="")

    assert (reply.status_code, reply.json()) == (500, {"error": "SHOPIFY_API_SECRET not configured"})


@pytest.mark.parametrize("domain", [text for text in HOSTILE if text.isascii() and text.isprintable() and text.strip()])
def test_a_hostile_domain_is_refused_though_signed(api: TestClient, desk: Desk, domain: str) -> None:
    reply = deliver(api, Shop_Domain=domain)

    assert reply.status_code == 400
    assert inbox(desk) == []


def test_a_repeated_delivery_is_kept_once(api: TestClient, desk: Desk) -> None:
    deliver(api, topic="orders/create", Webhook_Id="w1")

    again = deliver(api, topic="orders/create", Webhook_Id="w1")

    assert (again.status_code, again.json()) == (200, {"success": True, "duplicate": True})
    assert len(inbox(desk)) == 1


@pytest.mark.parametrize("raw", [b"", b"\x00\xff", b'"\\u0000"'])
def test_odd_bytes_are_kept_too(api: TestClient, desk: Desk, raw: bytes) -> None:
    assert deliver(api, topic="orders/create", raw=raw).status_code == 200
    assert len(inbox(desk)) == 1


@pytest.mark.parametrize(("seconds", "gone"), [(-1, False), (0, False), (1, True)])
def test_an_uninstall_counts_when_it_is_later_than_the_authorisation(
    api: TestClient, shops: Shops, seconds: int, gone: bool
) -> None:
    shop = shops.install()
    at = shops.desk.clock() + timedelta(seconds=seconds)

    reply = deliver(api, Triggered_At=at.isoformat())

    assert reply.status_code == 200
    assert (shops.row(shop.shop_id).hold == "uninstalled") is gone


def test_an_uninstall_erases_the_token_and_is_marked_as_worked(api: TestClient, shops: Shops, desk: Desk) -> None:
    shop = shops.install()

    deliver(api, Triggered_At=(desk.clock() + timedelta(seconds=1)).isoformat())

    (row,) = inbox(desk)
    assert (row.result, row.handled_at) == ("uninstalled", desk.clock())
    with desk.database.read() as session:
        assert credentials.load(session, shop.shop_id, desk.vault) is None


def test_an_uninstall_that_comes_again_after_a_reinstall_changes_nothing(api: TestClient, shops: Shops) -> None:
    shop = shops.install()
    at = (shops.desk.clock() + timedelta(seconds=1)).isoformat()
    deliver(api, Webhook_Id="w1", Triggered_At=at)
    shops.install()

    deliver(api, Webhook_Id="w1", Triggered_At=at)

    assert (shops.row(shop.shop_id).generation, shops.row(shop.shop_id).hold) == (2, None)


def test_an_uninstall_of_an_unknown_shop_is_answered_well(api: TestClient, desk: Desk) -> None:
    reply = deliver(api, Triggered_At="2026-11-02T09:29:00Z")

    assert reply.status_code == 200
    assert inbox(desk)[0].result == "ignored: not installed, or installed again since"
