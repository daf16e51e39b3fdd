"""Collections, pages, blogs, articles and policies, as Shopify would have them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.app import DOMAIN, App
from tests.sandbox.conftest import MakeApp

INFO = "pageInfo { hasNextPage endCursor }"
CONTENT = "read_products,read_content,read_legal_policies"
MEMBERS = """query M($id: ID!, $after: String) {
  collection(id: $id) {
    updatedAt productsCount { count }
    products(first: 7, after: $after) { pageInfo { hasNextPage endCursor } nodes { id } }
  }
}"""
SHOP = "{ shop { name shopPolicies { type title } } }"


@pytest.fixture
def full(make_app: MakeApp) -> App:
    app = make_app(products=30, throttle=False)
    app.install(scope=CONTENT)
    app.control.put_shop(DOMAIN, keep=True, collections=9, pages=9, blogs=9, articles=9, policies=3)
    return app


def members(app: App, number: str) -> list[str]:
    """The products of a collection, page after page."""
    found, after = [], None
    while True:
        answer = app.ask(MEMBERS, id=f"gid://shopify/Collection/{number}", after=after)["data"]["collection"]
        found += [node["id"].rpartition("/")[2] for node in answer["products"]["nodes"]]
        after = answer["products"]["pageInfo"]["endCursor"]
        if not answer["products"]["pageInfo"]["hasNextPage"]:
            return found


def collection(app: App, start: str) -> dict[str, Any]:
    return next(row for row in app.control.rows(DOMAIN, "collections") if row["title"].startswith(start))


@pytest.mark.parametrize("root", ["collections", "pages", "blogs", "articles"])
def test_each_kind_is_read_page_by_page_and_counted(full: App, root: str) -> None:
    page = f"query P($after: String) {{ {root}(first: 4, after: $after) {{ nodes {{ id }} {INFO} }} }}"

    nodes = full.drain(page, root)

    assert {node["id"].rpartition("/")[2] for node in nodes} == {row["id"] for row in full.control.rows(DOMAIN, root)}
    assert len(nodes) == full.control.shop(DOMAIN)["counts"][root] == 9


def test_the_first_collection_holds_every_product_page_after_page(full: App) -> None:
    everything = collection(full, "All products")

    found = members(full, everything["id"])

    assert found == [row["id"] for row in full.control.rows(DOMAIN, "products")]


def test_membership_of_a_smart_collection_follows_the_products_and_does_not_change_it(full: App) -> None:
    smart = collection(full, "By ")
    vendor = smart["title"].removeprefix("By ").partition(" no.")[0]
    outsider = next(row for row in full.control.rows(DOMAIN, "products") if row["vendor"] != vendor)["id"]
    before = members(full, smart["id"])

    full.control.update(DOMAIN, "products", outsider, vendor=vendor)

    assert set(members(full, smart["id"])) == {*before, outsider}
    assert collection(full, "By ")["updatedAt"] == smart["updatedAt"]


def test_a_collection_made_by_hand_is_put_together_anew(full: App) -> None:
    by_hand = collection(full, "Picked by hand")
    chosen = [row["id"] for row in full.control.rows(DOMAIN, "products")][3:6]

    full.control.update(DOMAIN, "collections", by_hand["id"], products=chosen)
    full.control.delete(DOMAIN, "products", chosen[0])

    assert members(full, by_hand["id"]) == chosen[1:]
    rows = full.control.rows(DOMAIN, "collection_products")
    assert [row["id"] for row in rows if row["id"].startswith(by_hand["id"])] == [
        f"{by_hand['id']}/{number}" for number in chosen[1:]
    ]


def test_articles_are_counted_by_blog_only(full: App) -> None:
    full.control.put_shop(DOMAIN, keep=True, blogs=2, articles=7)

    answer = full.ask("{ blogs(first: 9) { nodes { articlesCount { count } articles(first: 9) { nodes { id } } } } }")

    blogs = answer["data"]["blogs"]["nodes"]
    assert [blog["articlesCount"]["count"] for blog in blogs] == [4, 3]
    assert [len(blog["articles"]["nodes"]) for blog in blogs] == [4, 3]


def test_policies_are_of_the_shop(full: App) -> None:
    types = [policy["type"] for policy in full.ask(SHOP)["data"]["shop"]["shopPolicies"]]

    assert types == ["REFUND_POLICY", "PRIVACY_POLICY", "TERMS_OF_SERVICE"]


@pytest.mark.parametrize(
    ("query", "scope"),
    [
        ("{ collections(first: 1) { nodes { id } } }", "read_products"),
        ("{ pages(first: 1) { nodes { id } } }", "read_content"),
        ("{ pagesCount { count } }", "read_content"),
        ("{ blogs(first: 1) { nodes { id } } }", "read_content"),
        ("{ articles(first: 1) { nodes { id } } }", "read_content"),
        (SHOP, "read_legal_policies"),
    ],
)
def test_without_its_scope_a_kind_is_denied(app: App, query: str, scope: str) -> None:
    app.install(scope=",".join({*CONTENT.split(",")} - {scope}))

    answer = app.ask(query)

    assert (answer["data"] or {}).keys() <= {"pagesCount"}
    assert scope in answer["errors"][0]["message"]


def test_pages_of_the_online_store_have_a_scope_of_their_own(app: App) -> None:
    app.install(scope="read_online_store_pages")

    assert "errors" not in app.ask("{ pages(first: 1) { nodes { id title } } }")


def test_a_state_file_keeps_what_was_put_together(make_app: MakeApp, tmp_path: Any) -> None:
    path = str(tmp_path / "sandbox.db")
    before = make_app(state=path)
    smart, by_hand = (collection(before, start)["id"] for start in ("By ", "Picked"))
    before.control.update(DOMAIN, "collections", by_hand, products=[])
    before.control.update(DOMAIN, "collections", smart, title="Renamed")

    after = make_app(state=path)

    assert after.control.rows(DOMAIN, "collection_products") == before.control.rows(DOMAIN, "collection_products")
    assert by_hand not in {row["id"].partition("/")[0] for row in after.control.rows(DOMAIN, "collection_products")}
