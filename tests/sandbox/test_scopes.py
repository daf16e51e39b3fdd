"""What a token may not read is null with Shopify's error, never a failed request."""

from __future__ import annotations

from tests.sandbox.app import DOMAIN, App
from tests.sandbox.conftest import MakeApp

ORDERS = "{ orders(first: 5) { nodes { id customer { id } } } }"


def test_a_missing_scope_empties_the_answer_and_names_the_path(make_app: MakeApp) -> None:
    app = make_app()
    app.install(scope="read_products")

    answer = app.post(ORDERS)

    assert answer.status_code == 200
    assert answer.json()["data"] is None
    error = answer.json()["errors"][0]
    assert (error["extensions"]["code"], error["path"]) == ("ACCESS_DENIED", ["orders"])
    assert "`read_orders` access scope" in error["message"]


def test_a_nullable_object_without_scope_is_null_and_the_rest_is_there(make_app: MakeApp) -> None:
    app = make_app()
    app.install(scope="read_orders")

    answer = app.ask(ORDERS)

    nodes = answer["data"]["orders"]["nodes"]
    assert len(nodes) == 5
    assert {node["customer"] for node in nodes} == {None}
    assert answer["errors"][0]["path"] == ["orders", "nodes", 0, "customer"]


def test_a_count_needs_the_scope_of_what_it_counts(make_app: MakeApp) -> None:
    app = make_app()
    app.install(scope="read_orders")

    answer = app.ask("{ ordersCount { count } customersCount { count } }")

    assert answer["data"] == {"ordersCount": {"count": 25}, "customersCount": None}


def test_a_write_scope_includes_reading(make_app: MakeApp) -> None:
    app = make_app()
    app.install(scope="write_products")

    assert "errors" not in app.ask("{ products(first: 1) { nodes { id } } }")


def test_a_node_without_scope_is_null(make_app: MakeApp) -> None:
    app = make_app()
    app.install(scope="read_products")
    order = app.control.rows(DOMAIN, "orders")[0]["id"]

    answer = app.ask(f'{{ node(id: "gid://shopify/Order/{order}") {{ id }} }}')

    assert answer["data"] == {"node": None}
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_the_installation_lists_what_was_granted(make_app: MakeApp) -> None:
    app = make_app(scopes=("read_products",))
    app.install()

    scopes = app.ask("{ currentAppInstallation { accessScopes { handle } } }")["data"]["currentAppInstallation"]

    assert scopes["accessScopes"] == [{"handle": "read_products"}]


def test_scopes_taken_away_later_count_at_once(app: App) -> None:
    app.control.rescope(DOMAIN, ["read_products"])

    assert app.ask(ORDERS)["data"] is None


def test_without_data_approval_customers_and_orders_are_refused(app: App) -> None:
    app.control.put_shop(DOMAIN, keep=True, protected_level=0)

    answer = app.ask("{ customers(first: 1) { nodes { id } } }")

    assert answer["data"] is None
    assert answer["errors"][0]["message"].startswith("This app is not approved to access the Customer object")


def test_level_one_hides_names_and_addresses_only(app: App) -> None:
    app.control.put_shop(DOMAIN, keep=True, protected_level=1)

    answer = app.ask("{ customers(first: 2) { nodes { id email numberOfOrders } } }")

    nodes = answer["data"]["customers"]["nodes"]
    assert [node["email"] for node in nodes] == [None, None]
    assert all(node["numberOfOrders"].isdecimal() for node in nodes)
    assert [error["path"][2] for error in answer["errors"]] == [0, 1]


def test_without_read_all_orders_only_sixty_days_are_seen(app: App) -> None:
    app.control.put_shop(DOMAIN, keep=True, order_window_days=60)

    few = app.ask("{ ordersCount { count } }")["data"]["ordersCount"]["count"]
    app.control.rescope(DOMAIN, ["read_orders", "read_all_orders"])
    all_of_them = app.ask("{ ordersCount { count } }")["data"]["ordersCount"]["count"]

    assert 0 < few < all_of_them == 25
