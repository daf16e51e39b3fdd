"""Rows that change between two syncs, and a file that remembers it all."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.sandbox.app import DOMAIN, App, Hands
from tests.sandbox.conftest import MakeApp

BY_ID = "query One($id: ID!) { product(id: $id) { title updatedAt variants(first: 5) { nodes { price updatedAt } } } }"
SINCE = """query Since($query: String!) {
  products(first: 250, query: $query, sortKey: UPDATED_AT) { nodes { legacyResourceId title } }
}"""


def gid(number: str) -> str:
    return f"gid://shopify/Product/{number}"


def test_an_update_moves_updated_at_and_is_found_by_it(app: App) -> None:
    number = app.control.rows(DOMAIN, "products")[3]["id"]

    moment = app.control.update(DOMAIN, "products", number, title="Renamed")["updatedAt"]

    found = app.ask(SINCE, query=f"updated_at:>='{moment}'")["data"]["products"]["nodes"]
    assert found == [{"legacyResourceId": number, "title": "Renamed"}]


def test_two_updates_in_one_second_differ_in_updated_at(app: App) -> None:
    number = app.control.rows(DOMAIN, "products")[3]["id"]

    first, second = (app.control.update(DOMAIN, "products", number, title=title)["updatedAt"] for title in ("A", "B"))

    assert first < second


def test_a_variants_price_changes_with_its_product(app: App) -> None:
    variant = app.control.rows(DOMAIN, "variants")[0]

    app.control.update(DOMAIN, "products", variant["productId"], variants={variant["id"]: {"price": "1.23"}})

    product = app.ask(BY_ID, id=gid(variant["productId"]))["data"]["product"]
    assert product["variants"]["nodes"][0] == {"price": "1.23", "updatedAt": product["updatedAt"]}


def test_a_created_product_is_counted_and_served(app: App) -> None:
    (number,) = app.control.create(DOMAIN, "products", title="Brand New")

    assert app.control.shop(DOMAIN)["counts"]["products"] == 31
    assert app.ask(BY_ID, id=gid(number))["data"]["product"]["title"] == "Brand New"
    assert app.control.rows(DOMAIN, "products")[-1]["handle"] == "brand-new"
    assert app.control.shop(DOMAIN)["counts"]["variants"] == len(app.control.rows(DOMAIN, "variants"))


def test_many_rows_are_created_at_once_with_ids_of_their_own(app: App) -> None:
    numbers = app.control.create(DOMAIN, "orders", count=5) + app.control.create(DOMAIN, "orders", count=5)

    assert len(set(numbers)) == 10
    assert len(app.control.rows(DOMAIN, "orders")) == 35


def test_a_deleted_product_is_gone_from_pages_counts_and_lines(app: App) -> None:
    line = app.control.rows(DOMAIN, "line_items")[0]

    app.control.delete(DOMAIN, "products", line["productId"])

    assert app.ask(BY_ID, id=gid(line["productId"]))["data"]["product"] is None
    assert app.control.shop(DOMAIN)["counts"]["products"] == 29
    assert app.control.rows(DOMAIN, "line_items")[0]["productId"] is None
    variants = app.control.rows(DOMAIN, "variants")
    assert line["productId"] not in {row["productId"] for row in variants}
    assert app.control.shop(DOMAIN)["counts"]["variants"] == len(variants)


def test_a_variant_is_taken_out_of_its_product(app: App) -> None:
    variant = next(row for row in app.control.rows(DOMAIN, "variants") if row["position"] == 1)
    before = len(app.control.rows(DOMAIN, "variants"))

    app.control.update(DOMAIN, "products", variant["productId"], variants={variant["id"]: None})

    left = app.control.rows(DOMAIN, "variants")
    assert len(left) == before - 1
    assert variant["id"] not in {row["id"] for row in left}


def test_a_refund_is_added_to_its_order(app: App) -> None:
    order = app.control.rows(DOMAIN, "orders")[0]["id"]
    before = len(app.control.rows(DOMAIN, "refunds"))

    app.control.update(DOMAIN, "orders", order, refund=500)

    refunds = app.control.rows(DOMAIN, "refunds")
    assert len(refunds) == before + 1
    assert ("5.00", order) in {(row["amount"], row["orderId"]) for row in refunds}


@pytest.mark.parametrize(("kind", "status"), [("products/1", "404"), ("metaobjects/1", "400")])
def test_what_is_not_there_cannot_be_changed(app: App, kind: str, status: str) -> None:
    name, _, number = kind.partition("/")

    with pytest.raises(httpx.HTTPStatusError, match=status):
        app.control.update(DOMAIN, name, number, title="x")


def test_an_unknown_field_is_refused_by_name(app: App) -> None:
    number = app.control.rows(DOMAIN, "products")[0]["id"]

    with pytest.raises(httpx.HTTPStatusError, match="400"):
        app.control.update(DOMAIN, "products", number, colour="red")


def test_rules_change_without_touching_edits(app: App) -> None:
    app.control.create(DOMAIN, "products")

    app.control.put_shop(DOMAIN, keep=True, throttle=False)

    assert app.control.shop(DOMAIN)["counts"]["products"] == 31


def test_a_state_file_keeps_tokens_edits_faults_and_subscriptions(make_app: MakeApp, tmp_path: Path) -> None:
    path = str(tmp_path / "sandbox.db")
    before = make_app(state=path)
    before.install()
    number = before.control.rows(DOMAIN, "products")[0]["id"]
    before.control.update(DOMAIN, "products", number, title="Kept")
    before.control.delete(DOMAIN, "products", before.control.rows(DOMAIN, "products")[1]["id"])
    (added,) = before.control.create(DOMAIN, "orders")
    before.control.fault(DOMAIN, 503, times=2)
    before.post("{ shop { id } }")

    after = make_app(state=path)
    after.token = before.token

    assert after.post("{ shop { id } }").status_code == 503
    assert after.ask(BY_ID, id=gid(number))["data"]["product"]["title"] == "Kept"
    assert after.control.shop(DOMAIN)["counts"]["products"] == 29
    assert added in {row["id"] for row in after.control.rows(DOMAIN, "orders")}
    assert after.control.rows(DOMAIN, "orders") == before.control.rows(DOMAIN, "orders")


def test_a_shop_keeps_its_past_when_the_sandbox_restarts_later(make_app: MakeApp, tmp_path: Path, hands: Hands) -> None:
    path = str(tmp_path / "sandbox.db")
    rows = make_app(state=path).control.rows(DOMAIN, "products")
    hands.advance(86_400)

    assert make_app(state=path).control.rows(DOMAIN, "products") == rows
