"""Webhook subscriptions that are missing come back with a shop's syncs, on each database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sync_core.app_models import Product
from sync_core.config import Webhooks
from sync_core.models import WebhookCheck
from sync_core.runner import Tools
from sync_core.sandbox.running import Running
from sync_core.shopify.subscriptions import TOPICS
from sync_core.states import Mode, Outcome
from sync_core.subscriptions import address_of
from tests.conftest import MakeSettings
from tests.runs.conftest import DOMAIN, Bench

ADDRESS = "http://127.0.0.1:8501/webhooks/shopify"
LIST, CREATE = "Subscriptions", "Subscribe"


@pytest.fixture
def tools(bench: Bench, sandbox: Running) -> Tools:
    """The bench's, with webhooks subscribed for each shop; Shopify knows of none."""
    sandbox.control.unsubscribe(DOMAIN)
    return replace(bench.tools, settings=bench.tools.settings.model_copy(update={"webhooks": Webhooks.SHOP}))


def check(bench: Bench) -> WebhookCheck:
    with bench.tools.database.read() as session:
        return session.get_one(WebhookCheck, bench.shop_id)


def asked(sandbox: Running) -> list[str]:
    """What was asked of subscriptions, in order."""
    return [line["operation"] for line in sandbox.control.log(DOMAIN) if line["operation"] in (LIST, CREATE)]


def test_a_first_sync_subscribes_to_all_that_the_inbox_works(bench: Bench, sandbox: Running, tools: Tools) -> None:
    outcome = bench.run(tools=tools)

    found = check(bench)
    assert outcome is Outcome.COMPLETED
    assert asked(sandbox) == [LIST, CREATE]
    assert (found.address, found.topics, found.missing, found.problem) == (ADDRESS, list(TOPICS), [], None)


def test_subscriptions_that_are_there_are_left_alone(bench: Bench, sandbox: Running, tools: Tools) -> None:
    bench.run(tools=tools)
    sandbox.control.forget_log()

    bench.run(bench.claim(mode=Mode.EVERYTHING), tools=tools)

    assert asked(sandbox) == [LIST]


@pytest.mark.parametrize(("hours", "looks"), [(23, 0), (24, 1), (25, 1)])
def test_a_shop_is_looked_at_once_a_day(bench: Bench, sandbox: Running, tools: Tools, hours: int, looks: int) -> None:
    bench.run(tools=tools)
    sandbox.control.forget_log()
    bench.clock.moment = check(bench).checked_at
    bench.clock.advance(hours=hours, seconds=-1)

    bench.run(tools=tools)

    assert len(asked(sandbox)) == looks


def test_what_shopify_deleted_comes_back_the_next_day(bench: Bench, sandbox: Running, tools: Tools) -> None:
    bench.run(tools=tools)
    _delete_one(sandbox)
    bench.clock.advance(days=1)
    sandbox.control.forget_log()

    bench.run(tools=tools)

    assert asked(sandbox) == [LIST, CREATE]
    assert check(bench).missing == []


def test_another_address_is_subscribed_at_once(bench: Bench, sandbox: Running, tools: Tools) -> None:
    bench.run(tools=tools)
    moved = replace(tools, settings=tools.settings.model_copy(update={"app_url": "https://sync.example.com"}))

    bench.run(tools=moved)

    assert check(bench).address == "https://sync.example.com/webhooks/shopify"


def test_a_topic_whose_scope_is_not_granted_is_not_missed(bench: Bench, sandbox: Running, tools: Tools) -> None:
    sandbox.control.rescope(DOMAIN, ["read_products"])

    bench.run(tools=tools)

    found = check(bench)
    assert found.missing == []
    assert not [topic for topic in found.topics if topic.startswith(("ORDERS", "CUSTOMERS"))]


@pytest.mark.parametrize("operation", [LIST, CREATE])
@pytest.mark.parametrize(
    "fault", [{"kind": "403"}, {"kind": "400"}, {"kind": "500"}, {"kind": "denied", "field": "webhookSubscriptions"}]
)
def test_a_failure_is_noted_and_never_fails_the_sync(
    bench: Bench, sandbox: Running, tools: Tools, operation: str, fault: dict[str, Any]
) -> None:
    sandbox.control.fault(DOMAIN, operation=operation, **fault)

    outcome = bench.run(tools=tools)

    found = check(bench)
    assert outcome is Outcome.COMPLETED
    assert bench.count(Product) == 40
    assert (found.missing, bool(found.problem)) == (list(TOPICS), True)


def test_after_a_failure_the_next_sync_an_hour_later_looks_again(bench: Bench, sandbox: Running, tools: Tools) -> None:
    sandbox.control.fault(DOMAIN, "400", operation=CREATE)
    bench.run(tools=tools)
    sandbox.control.heal(DOMAIN)
    bench.clock.advance(hours=1)

    bench.run(tools=tools)

    assert (check(bench).missing, check(bench).problem) == ([], None)


@pytest.mark.parametrize(
    ("own", "address"),
    [
        ({}, None),
        ({"webhooks": "shop"}, ADDRESS),
        ({"webhooks": "shop", "shopify_base_url": "https://{shop}"}, None),
        ({"webhooks": "shop", "shopify_base_url": "https://{shop}", "app_url": "https://a.example.com", "auth": "oidc"},
         "https://a.example.com/webhooks/shopify"),
        ({"webhooks": "app", "shopify_base_url": "https://{shop}", "app_url": "https://a.example.com", "auth": "oidc"},
         None),
    ],
)  # fmt: skip
def test_an_address_that_shopify_cannot_reach_is_not_given(
    make_settings: MakeSettings, own: dict[str, Any], address: str | None
) -> None:
    assert address_of(make_settings(**own)) == address


def _delete_one(sandbox: Running) -> None:
    """As Shopify does after eight failed deliveries: silently."""
    sandbox.control.unsubscribe(DOMAIN, "ORDERS_CREATE")
