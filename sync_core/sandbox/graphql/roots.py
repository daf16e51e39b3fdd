"""The fields of the query and mutation roots: (type, field) → function (run, arguments) → row, page, list or None."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sync_core.sandbox.graphql.pages import count_rows, table_page
from sync_core.sandbox.graphql.problems import access_denied, not_approved
from sync_core.sandbox.graphql.schema import PROTECTED_OBJECTS, SCOPES
from sync_core.sandbox.identity import installation_row, shop_row
from sync_core.sandbox.moments import DAY_SECONDS
from sync_core.sandbox.rows import Ref, gid, number_of
from sync_core.sandbox.shops import TABLES
from sync_core.sandbox.versions import version_rows

if TYPE_CHECKING:
    from sync_core.sandbox.graphql.run import Run

Arguments = dict[str, Any]
Resolver = Callable[["Run", Arguments], Any]


def _window(run: Run, kind: str) -> int | None:
    """Without read_all_orders only the last days of orders are seen, when the shop is set so."""
    days = run.shop.settings.order_window_days
    if kind != "Order" or days is None or run.allowed("read_all_orders"):
        return None
    return int(run.clock()) - days * DAY_SECONDS


def _connection(kind: str) -> Resolver:
    def resolve(run: Run, args: Arguments) -> Any:
        return table_page(run.shop.table(kind), args, _window(run, kind))

    return resolve


def _count(kind: str) -> Resolver:
    def resolve(run: Run, args: Arguments) -> Any:
        return count_rows(run.shop.table(kind), args.get("query"), args.get("limit"), _window(run, kind))

    return resolve


def _one(kind: str) -> Resolver:
    def resolve(run: Run, args: Arguments) -> Any:
        number = number_of(args["id"])
        if number is None or not args["id"].startswith(gid(kind, "")):
            return None
        return run.follow(Ref(kind, number))

    return resolve


def _node(run: Run, args: Arguments) -> Any:
    return _find(run, args["id"], ["node"])


def _nodes(run: Run, args: Arguments) -> Any:
    return [_find(run, identity, ["nodes", at]) for at, identity in enumerate(args["ids"])]


def _find(run: Run, identity: str, path: list[str | int]) -> Any:
    """The row with a gid; null and an error when the token may not read its kind."""
    kind, number = identity.removeprefix("gid://shopify/").partition("/")[0], number_of(identity)
    if number is None or kind not in TABLES:
        return None
    if not run.allowed(SCOPES[kind]):
        run.errors.append(access_denied(str(path[0]), SCOPES[kind], path))
        return None
    if kind in PROTECTED_OBJECTS and run.protected_level < 1:
        run.errors.append(not_approved(f"access the {kind} object", path))
        return None
    return run.follow(Ref(kind, number))


def _create_subscription(run: Run, args: Arguments) -> Any:
    row, errors = run.subscriptions.create(args["topic"], args["webhookSubscription"])
    return {"webhookSubscription": row, "userErrors": errors}


def _delete_subscription(run: Run, args: Arguments) -> Any:
    if run.subscriptions.delete(args["id"]):
        return {"deletedWebhookSubscriptionId": args["id"], "userErrors": []}
    missing = {"field": ["id"], "message": "Webhook subscription does not exist"}
    return {"deletedWebhookSubscriptionId": None, "userErrors": [missing]}


def _subscription(run: Run, args: Arguments) -> Any:
    return next((row for row in run.subscriptions.rows() if row["id"] == args["id"]), None)


def _subscription_count(run: Run, _: Arguments) -> Any:
    return {"count": len(run.subscriptions.rows()), "precision": "EXACT"}


RESOLVERS: dict[tuple[str, str], Resolver] = {
    ("QueryRoot", "shop"): lambda run, _: shop_row(run.shop),
    ("QueryRoot", "currentAppInstallation"): lambda run, _: installation_row(run.shop, run.scopes),
    ("QueryRoot", "publicApiVersions"): lambda _run, _args: version_rows(),
    ("QueryRoot", "products"): _connection("Product"),
    ("QueryRoot", "productVariants"): _connection("ProductVariant"),
    ("QueryRoot", "customers"): _connection("Customer"),
    ("QueryRoot", "orders"): _connection("Order"),
    ("QueryRoot", "productsCount"): _count("Product"),
    ("QueryRoot", "productVariantsCount"): _count("ProductVariant"),
    ("QueryRoot", "customersCount"): _count("Customer"),
    ("QueryRoot", "ordersCount"): _count("Order"),
    ("QueryRoot", "product"): _one("Product"),
    ("QueryRoot", "productVariant"): _one("ProductVariant"),
    ("QueryRoot", "customer"): _one("Customer"),
    ("QueryRoot", "order"): _one("Order"),
    ("QueryRoot", "node"): _node,
    ("QueryRoot", "nodes"): _nodes,
    ("QueryRoot", "webhookSubscription"): _subscription,
    ("QueryRoot", "webhookSubscriptions"): lambda run, args: run.subscriptions.chosen(args),
    ("QueryRoot", "webhookSubscriptionsCount"): _subscription_count,
    ("Mutation", "webhookSubscriptionCreate"): _create_subscription,
    ("Mutation", "webhookSubscriptionDelete"): _delete_subscription,
}
