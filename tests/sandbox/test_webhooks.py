"""Webhooks as Shopify sends them: signed over the raw body, retried, repeated, out of order."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.sandbox.app import DOMAIN, App
from tests.sandbox.conftest import MakeApp

CREATE = """mutation Create($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
    webhookSubscription { id topic uri } userErrors { field message }
  }
}"""
LIST = "{ webhookSubscriptions(first: 10) { nodes { id topic uri } } }"


@dataclass
class Inbox:
    """Collects what is posted; answers `statuses` in turn, then 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self) -> list[dict[str, object]]:
        return [json.loads(body) for _, body in self.seen]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            box.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(box.statuses.pop(0) if box.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        box.url = f"http://127.0.0.1:{server.server_port}/webhooks/shopify"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield box
        server.shutdown()
        thread.join()


@pytest.fixture
def told(make_app: MakeApp, inbox: Inbox) -> App:
    """An installed app whose webhooks come to `inbox`."""
    app = make_app(webhook_url=inbox.url)
    app.install()
    return app


def test_the_signature_is_over_the_raw_body(told: App, inbox: Inbox) -> None:
    told.control.webhook(DOMAIN, "shop/update")

    headers, body = inbox.seen[0]
    wanted = base64.b64encode(hmac.new(b"sandbox-secret", body, hashlib.sha256).digest()).decode()
    assert headers["x-shopify-hmac-sha256"] == wanted


def test_the_headers_say_what_when_and_where(told: App, inbox: Inbox) -> None:
    told.control.webhook(DOMAIN, "products/update", payload={"id": 7}, triggered_at="2026-11-24T00:00:00.000000000Z")

    headers, body = inbox.seen[0]
    assert headers["x-shopify-topic"] == "products/update"
    assert headers["x-shopify-shop-domain"] == DOMAIN
    assert headers["x-shopify-api-version"] == "2026-10"
    assert headers["x-shopify-triggered-at"] == "2026-11-24T00:00:00.000000000Z"
    assert headers["x-shopify-webhook-id"] != headers["x-shopify-event-id"]
    assert json.loads(body) == {"id": 7}


def test_an_unsigned_one_carries_a_wrong_signature(told: App, inbox: Inbox) -> None:
    told.control.webhook(DOMAIN, "shop/update", signed=False)

    headers, body = inbox.seen[0]
    right = base64.b64encode(hmac.new(b"sandbox-secret", body, hashlib.sha256).digest()).decode()
    assert headers["x-shopify-hmac-sha256"] != right


@pytest.mark.parametrize(("failures", "tries"), [(0, 1), (1, 2), (8, 9), (20, 9)])
def test_a_delivery_is_tried_nine_times_at_most(told: App, inbox: Inbox, failures: int, tries: int) -> None:
    inbox.statuses = [500] * failures

    told.control.webhook(DOMAIN, "shop/update")

    assert len(inbox.seen) == tries
    assert len({headers["x-shopify-webhook-id"] for headers, _ in inbox.seen}) == 1


def test_a_duplicate_repeats_the_ids(told: App, inbox: Inbox) -> None:
    told.control.webhook(DOMAIN, "shop/update", times=3)

    assert len(inbox.seen) == 3
    assert len({headers["x-shopify-webhook-id"] for headers, _ in inbox.seen}) == 1


def test_several_events_may_come_in_reverse(told: App, inbox: Inbox) -> None:
    items = [{"topic": "products/update", "payload": {"id": number}} for number in (1, 2, 3)]

    told.control.webhooks(DOMAIN, items, order="reverse")

    stamps = [headers["x-shopify-triggered-at"] for headers, _ in inbox.seen]
    assert [body["id"] for body in inbox.bodies()] == [3, 2, 1]
    assert stamps == sorted(stamps, reverse=True)


def test_an_uninstall_tells_the_app_after_the_token_died(told: App, inbox: Inbox) -> None:
    told.control.uninstall(DOMAIN, wait=True)

    assert inbox.seen[0][0]["x-shopify-topic"] == "app/uninstalled"
    assert inbox.bodies()[0]["myshopify_domain"] == DOMAIN
    assert told.post("{ shop { id } }").status_code == 401


def test_a_deleted_product_tells_only_its_id(told: App, inbox: Inbox) -> None:
    number = told.control.rows(DOMAIN, "products")[0]["id"]

    told.control.delete(DOMAIN, "products", number, webhook=True)
    told.control.webhook(DOMAIN, "shop/update")

    by_topic = {headers["x-shopify-topic"]: json.loads(body) for headers, body in inbox.seen}
    assert by_topic["products/delete"] == {"id": int(number)}


def test_a_subscription_is_listed_and_delivered_to_once(told: App, inbox: Inbox) -> None:
    variables = {"topic": "SHOP_UPDATE", "sub": {"uri": inbox.url}}

    made = told.ask(CREATE, **variables)["data"]["webhookSubscriptionCreate"]["webhookSubscription"]
    told.control.webhook(DOMAIN, "shop/update")

    assert told.ask(LIST)["data"]["webhookSubscriptions"]["nodes"] == [made]
    assert len(inbox.seen) == 1


def test_the_same_subscription_twice_is_a_user_error(told: App) -> None:
    variables = {"topic": "APP_UNINSTALLED", "sub": {"uri": "https://app.example.com/hooks"}}
    told.ask(CREATE, **variables)

    answer = told.ask(CREATE, **variables)["data"]["webhookSubscriptionCreate"]

    assert answer["webhookSubscription"] is None
    assert answer["userErrors"][0]["message"] == "Address for this topic has already been taken"


def test_each_try_is_remembered(told: App, inbox: Inbox) -> None:
    inbox.statuses = [503]

    told.control.webhook(DOMAIN, "shop/update")

    assert [(line["attempt"], line["status"]) for line in told.control.deliveries(DOMAIN)] == [(1, 503), (2, 200)]


def test_the_end_of_a_bulk_operation_is_told_in_lower_case_and_without_its_url(told: App, inbox: Inbox) -> None:
    query = "{ products { edges { node { id } } } }"
    run = "mutation($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id } } }"

    identity = told.ask(run, q=query)["data"]["bulkOperationRunQuery"]["bulkOperation"]["id"]
    while not told.control.deliveries(DOMAIN, topic="bulk_operations/finish"):
        pass

    body = inbox.bodies()[0]
    assert (body["admin_graphql_api_id"], body["status"], body["type"]) == (identity, "completed", "query")
    assert not [value for value in body.values() if str(value).startswith("http")]
