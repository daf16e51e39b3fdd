"""The law of cost, the bucket, and the two ways of saying no."""

from __future__ import annotations

import pytest

from sync_core.sandbox.cost import Bucket
from sync_core.sandbox.graphql.price import multiplier
from tests.sandbox.app import DOMAIN, App, Hands
from tests.sandbox.conftest import MakeApp

IDS = "query Ids($first: Int!) { products(first: $first) { nodes { id } } }"
PAD = "a: shop { id } b: shop { id } c: shop { id } d: shop { id } e: shop { id } f: shop { id } g: shop { id }"
WITH_VARIANTS = """query Nested($first: Int!, $variants: Int!) {
  products(first: $first) { nodes { id variants(first: $variants) { nodes { id selectedOptions { name } } } } }
}"""


@pytest.mark.parametrize(("size", "factor"), [(1, 1), (5, 3), (10, 4), (25, 6), (50, 7), (100, 9), (250, 11)])
def test_a_page_costs_by_the_logarithm_of_its_size(size: int, factor: int) -> None:
    assert multiplier(size) == factor


def test_250_products_by_id_cost_13_points(app: App) -> None:
    cost = app.ask(IDS, first=250)["extensions"]["cost"]

    assert cost["requestedQueryCost"] == 13


def test_nested_pages_multiply(app: App) -> None:
    cost = app.ask(WITH_VARIANTS, first=50, variants=10)["extensions"]["cost"]

    assert cost["requestedQueryCost"] == 2 + 7 * (1 + 2 + 4 * (1 + 1))


def test_what_was_not_used_is_refunded(app: App) -> None:
    cost = app.ask(IDS, first=250)["extensions"]["cost"]

    assert cost["actualQueryCost"] == 2 + multiplier(30)
    assert cost["throttleStatus"]["currentlyAvailable"] == 2_000 - cost["actualQueryCost"]


def test_an_empty_bucket_answers_throttled_without_data(app: App) -> None:
    app.control.drain(DOMAIN, left=12)

    answer = app.post(IDS, first=250)

    assert answer.status_code == 200
    assert "data" not in answer.json()
    assert answer.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answer.json()["extensions"]["cost"]["actualQueryCost"] is None
    assert answer.json()["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 12


def test_waiting_as_long_as_the_status_says_is_enough(app: App, hands: Hands) -> None:
    app.control.drain(DOMAIN)
    hands.advance(13 / 100)

    assert "data" in app.ask(IDS, first=250)


def test_two_shops_have_a_bucket_each(app: App) -> None:
    app.control.drain(DOMAIN)
    app.install("southern-elm.myshopify.com")

    assert "data" in app.ask(IDS, "southern-elm.myshopify.com", first=250)


def test_without_throttle_nothing_is_ever_refused(make_app: MakeApp) -> None:
    app = make_app(throttle=False, bucket=1)
    app.install()

    assert "data" in app.ask(IDS, first=250)


@pytest.mark.parametrize(("objects", "code"), [(89, None), (90, None), (91, "MAX_COST_EXCEEDED")])
def test_a_query_above_1000_points_is_refused(app: App, objects: int, code: str | None) -> None:
    seos = " ".join(f"s{place}: seo {{ title }}" for place in range(objects - 1))
    query = f"query Wide {{ products(first: 250) {{ nodes {{ id {seos} }} }} pad: shop {{ id }} {PAD} }}"

    answer = app.ask(query)

    found = answer["errors"][0]["extensions"]["code"] if "errors" in answer else None
    assert found == code


@pytest.mark.parametrize(("wait", "left"), [(0.0, 0), (0.5, 50), (19.9, 1_990), (20.0, 2_000), (30.0, 2_000)])
def test_a_bucket_fills_up_to_its_size(hands: Hands, wait: float, left: int) -> None:
    bucket = Bucket(hands, maximum=2_000, restore_per_second=100)
    bucket.drain()

    hands.advance(wait)

    assert round(bucket.available()) == left


def test_a_bucket_gives_all_or_nothing(hands: Hands) -> None:
    bucket = Bucket(hands, maximum=100, restore_per_second=1)

    assert not bucket.take(101)
    assert bucket.take(100)
    assert not bucket.take(1)
