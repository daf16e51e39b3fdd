"""Connections: every row exactly once, in order, with honest pageInfo; filters and counts."""

from __future__ import annotations

import pytest

from sync_core.sandbox.graphql.search import compile_search
from tests.sandbox.app import DOMAIN, App
from tests.sandbox.conftest import MakeApp

PRODUCTS = """query List($first: Int!, $after: String, $query: String, $sortKey: ProductSortKeys, $reverse: Boolean) {
  products(first: $first, after: $after, query: $query, sortKey: $sortKey, reverse: $reverse) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    nodes { id legacyResourceId title updatedAt createdAt }
  }
}"""
VARIANTS = """query Tail($id: ID!, $first: Int!, $after: String) {
  product(id: $id) {
    variants(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { legacyResourceId title } }
  }
}"""
FLAT = """query Flat($first: Int!, $after: String) {
  productVariants(first: $first, after: $after) {
    pageInfo { hasNextPage endCursor } nodes { legacyResourceId product { id } }
  }
}"""
COUNTS = """query Counts($query: String, $limit: Int) {
  products: productsCount(query: $query, limit: $limit) { count precision }
}"""


@pytest.mark.parametrize("size", [1, 7, 29, 30, 31, 250])
@pytest.mark.parametrize("sort", ["ID", "UPDATED_AT", "CREATED_AT"])
def test_pages_of_any_size_hold_every_product_once(app: App, size: int, sort: str) -> None:
    nodes = app.drain(PRODUCTS, "products", first=size, sortKey=sort)

    truth = app.control.rows(DOMAIN, "products")
    assert sorted(node["legacyResourceId"] for node in nodes) == sorted(row["id"] for row in truth)


@pytest.mark.parametrize(("sort", "name"), [("UPDATED_AT", "updatedAt"), ("CREATED_AT", "createdAt")])
def test_rows_come_in_the_order_asked_for(app: App, sort: str, name: str) -> None:
    up = [node[name] for node in app.drain(PRODUCTS, "products", first=7, sortKey=sort)]
    down = [node[name] for node in app.drain(PRODUCTS, "products", first=7, sortKey=sort, reverse=True)]

    assert up == sorted(up)
    assert down == sorted(up, reverse=True)


def test_page_info_tells_first_middle_and_last_page(app: App) -> None:
    first = app.ask(PRODUCTS, first=10)["data"]["products"]["pageInfo"]
    middle = app.ask(PRODUCTS, first=10, after=first["endCursor"])["data"]["products"]["pageInfo"]
    last = app.ask(PRODUCTS, first=10, after=middle["endCursor"])["data"]["products"]["pageInfo"]

    flags = [(page["hasPreviousPage"], page["hasNextPage"]) for page in (first, middle, last)]
    assert flags == [(False, True), (True, True), (True, False)]


def test_last_and_before_walk_backwards(app: App) -> None:
    query = (
        "query Back($before: String) { products(last: 4, before: $before) { nodes { id } pageInfo { startCursor } } }"
    )
    ids = [node["id"] for node in app.drain(PRODUCTS, "products", first=30)]

    end = app.ask(query)["data"]["products"]
    page = app.ask(query, before=end["pageInfo"]["startCursor"])["data"]["products"]

    assert [node["id"] for node in end["nodes"]] == ids[-4:]
    assert [node["id"] for node in page["nodes"]] == ids[-8:-4]


def test_edges_carry_cursors_that_continue(app: App) -> None:
    query = "query Edges($after: String) { products(first: 2, after: $after) { edges { cursor node { id } } } }"
    ids = [node["id"] for node in app.drain(PRODUCTS, "products", first=30)]

    edges = app.ask(query)["data"]["products"]["edges"]
    following = app.ask(query, after=edges[0]["cursor"])["data"]["products"]["edges"]

    assert following[0]["node"]["id"] == ids[1]


def test_the_tail_of_a_products_variants_drains(make_app: MakeApp) -> None:
    app = make_app(products=2, variants=(23, 23))
    app.install()
    product = app.ask(PRODUCTS, first=1)["data"]["products"]["nodes"][0]["id"]
    titles, after = [], None

    while True:
        page = app.ask(VARIANTS, id=product, first=5, after=after)["data"]["product"]["variants"]
        titles += [node["title"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]

    assert len(titles) == len(set(titles)) == 23


def test_the_flat_list_of_variants_holds_every_variant_once(app: App) -> None:
    nodes = app.drain(FLAT, "productVariants", first=17)

    truth = app.control.rows(DOMAIN, "variants")
    assert [node["legacyResourceId"] for node in nodes] == [row["id"] for row in truth]
    assert nodes[-1]["product"]["id"].endswith(truth[-1]["productId"])


def test_orders_bring_their_lines_refunds_and_customer(make_app: MakeApp) -> None:
    app = make_app(orders=200)
    app.install()
    query = """query Orders($first: Int!, $after: String) { orders(first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { legacyResourceId customer { legacyResourceId } refunds { legacyResourceId }
              lineItems(first: 10) { nodes { id product { legacyResourceId } } } } } }"""

    nodes = app.drain(query, "orders", first=50)

    assert sum(len(node["lineItems"]["nodes"]) for node in nodes) == len(app.control.rows(DOMAIN, "line_items"))
    assert sum(len(node["refunds"]) for node in nodes) == len(app.control.rows(DOMAIN, "refunds")) > 0
    owners = [node["customer"] and node["customer"]["legacyResourceId"] for node in nodes]
    assert owners == [row["customerId"] for row in app.control.rows(DOMAIN, "orders")]


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_updated_at_filters_to_the_second(app: App, shift: int) -> None:
    rows = sorted(app.drain(PRODUCTS, "products", first=30, sortKey="UPDATED_AT"), key=lambda row: row["updatedAt"])
    moment = rows[20]["updatedAt"]
    operator = {-1: "<", 0: ":", 1: ">="}[shift]
    query = f"updated_at:'{moment}'" if operator == ":" else f"updated_at:{operator}'{moment}'"

    nodes = app.drain(PRODUCTS, "products", first=4, sortKey="UPDATED_AT", query=query)

    wanted = {-1: rows[:20], 0: rows[20:21], 1: rows[20:]}[shift]
    assert [node["id"] for node in nodes] == [row["id"] for row in wanted]


def test_an_id_window_selects_a_range(app: App) -> None:
    ids = [int(node["legacyResourceId"]) for node in app.drain(PRODUCTS, "products", first=30)]

    nodes = app.drain(PRODUCTS, "products", first=3, query=f"id:>={ids[5]} AND id:<{ids[9]}")

    assert [int(node["legacyResourceId"]) for node in nodes] == ids[5:9]


def test_titles_match_whole_or_by_beginning(app: App) -> None:
    title = app.ask(PRODUCTS, first=1)["data"]["products"]["nodes"][0]["title"]

    exact = app.drain(PRODUCTS, "products", first=30, query=f'title:"{title}"')
    prefix = app.drain(PRODUCTS, "products", first=30, query=f"title:{title.split()[0][:3]}*")

    assert [node["title"] for node in exact] == [title]
    assert title in [node["title"] for node in prefix]


def test_an_unknown_search_field_is_ignored() -> None:
    assert compile_search("made_up_field:1") is None


@pytest.mark.parametrize(
    ("limit", "count", "precision"), [(29, 29, "AT_LEAST"), (30, 30, "EXACT"), (31, 30, "EXACT"), (None, 30, "EXACT")]
)
def test_a_count_is_exact_up_to_its_limit(app: App, limit: int | None, count: int, precision: str) -> None:
    assert app.ask(COUNTS, limit=limit)["data"]["products"] == {"count": count, "precision": precision}


def test_a_count_stops_at_10000_unless_asked_otherwise(make_app: MakeApp) -> None:
    app = make_app(products=10_001, orders=0, customers=0)
    app.install()

    capped = app.ask("{ productsCount { count precision } }")["data"]["productsCount"]
    whole = app.ask("{ productsCount(limit: null) { count precision } }")["data"]["productsCount"]

    assert capped == {"count": 10_000, "precision": "AT_LEAST"}
    assert whole == {"count": 10_001, "precision": "EXACT"}


@pytest.mark.parametrize(
    ("arguments", "words"), [("", "you must provide one of first or last"), ("(first: 251)", "250")]
)
def test_a_page_needs_a_size_of_at_most_250(app: App, arguments: str, words: str) -> None:
    errors = app.ask(f"{{ products{arguments} {{ nodes {{ id }} }} }}")["errors"]

    assert words in errors[0]["message"]


def test_a_cursor_this_server_never_gave_is_refused(app: App) -> None:
    assert "Invalid cursor" in app.ask(PRODUCTS, first=1, after="nonsense")["errors"][0]["message"]


def test_ids_of_two_shops_never_meet(app: App) -> None:
    app.install("southern-elm.myshopify.com")

    first = {row["id"] for row in app.control.rows(DOMAIN, "products")}
    second = {row["id"] for row in app.control.rows("southern-elm.myshopify.com", "products")}

    assert not first & second
