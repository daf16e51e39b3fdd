"""Fields that look beyond their row: of the roots, and of rows that name others without holding them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sync_core.sandbox.graphql.pages import count_rows, table_page
from sync_core.sandbox.graphql.problems import access_denied, not_approved, problem
from sync_core.sandbox.graphql.schema import PROTECTED_OBJECTS, SCOPES
from sync_core.sandbox.identity import installation_row, shop_row
from sync_core.sandbox.moments import DAY_SECONDS
from sync_core.sandbox.rows import Ref, gid, number_of
from sync_core.sandbox.shops import TABLES
from sync_core.sandbox.table import Made
from sync_core.sandbox.versions import version_rows

if TYPE_CHECKING:
    from sync_core.sandbox.graphql.run import Run
    from sync_core.sandbox.table import Row

NO_BULK = "Access denied for bulkOperationRunQuery field. The app is not allowed to run bulk queries."
Arguments = dict[str, Any]
Resolver = Callable[["Run", Arguments], Any]
RowResolver = Callable[["Row", "Run", Arguments], Any]
CONNECTIONS = {
    "products": "Product",
    "productVariants": "ProductVariant",
    "customers": "Customer",
    "orders": "Order",
    "collections": "Collection",
    "pages": "Page",
    "blogs": "Blog",
    "articles": "Article",
}
"""The root connections over tables, and what their rows are."""


def window(run: Run, kind: str) -> int | None:
    """Without read_all_orders only the last days of orders are seen, when the shop is set so."""
    days = run.shop.settings.order_window_days
    if kind != "Order" or days is None or run.allowed("read_all_orders"):
        return None
    return int(run.clock()) - days * DAY_SECONDS


def _connection(kind: str) -> Resolver:
    def resolve(run: Run, args: Arguments) -> Any:
        return table_page(run.shop.table(kind), args, window(run, kind))

    return resolve


def _count(kind: str) -> Resolver:
    def resolve(run: Run, args: Arguments) -> Any:
        return count_rows(run.shop.table(kind), args.get("query"), args.get("limit"), window(run, kind))

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


def _run_bulk(run: Run, args: Arguments) -> Any:
    access = run.shop.settings.bulk_access
    if access == "denied":
        run.errors.append(problem(NO_BULK, "ACCESS_DENIED", ["bulkOperationRunQuery"]))
        return None
    if access == "refused":
        return {"bulkOperation": None, "userErrors": [{"code": None, "field": None, "message": NO_BULK}]}
    row, errors = run.bulk.submit(args["query"], scopes=run.scopes, grouped=args["groupObjects"])
    return {"bulkOperation": row, "userErrors": errors}


def _cancel_bulk(run: Run, args: Arguments) -> Any:
    row = run.bulk.cancel(args["id"])
    missing = [] if row else [{"field": ["id"], "message": "Bulk operation does not exist"}]
    return {"bulkOperation": row, "userErrors": missing}


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


def _members(row: Row, run: Run, _: Arguments) -> Any:
    numbers = run.shop.members(row["products"])
    return Made(lambda at: run.shop.products[numbers[at]], len(numbers))


def _members_count(row: Row, run: Run, _: Arguments) -> Any:
    return {"count": len(run.shop.members(row["products"])), "precision": "EXACT"}


def _articles_of(row: Row, run: Run, _: Arguments) -> Any:
    mine = Ref("Blog", number_of(row["id"]) or 0)
    return [article for article in run.shop.articles.rows() if article["blog"] == mine]


def _articles_count(row: Row, run: Run, args: Arguments) -> Any:
    count, limit = len(_articles_of(row, run, args)), args.get("limit")
    if limit is not None and count > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": count, "precision": "EXACT"}


OF_ROWS: dict[tuple[str, str], RowResolver] = {
    ("Collection", "products"): _members,
    ("Collection", "productsCount"): _members_count,
    ("Blog", "articles"): _articles_of,
    ("Blog", "articlesCount"): _articles_count,
    ("Shop", "shopPolicies"): lambda _row, run, _args: list(run.shop.policies.rows()),
}
"""(type, field) → function (row, run, arguments) → row, list or None."""

RESOLVERS: dict[tuple[str, str], Resolver] = {
    **{("QueryRoot", name): _connection(kind) for name, kind in CONNECTIONS.items()},
    ("QueryRoot", "shop"): lambda run, _: shop_row(run.shop),
    ("QueryRoot", "currentAppInstallation"): lambda run, _: installation_row(run.shop, run.scopes),
    ("QueryRoot", "publicApiVersions"): lambda _run, _args: version_rows(),
    ("QueryRoot", "productsCount"): _count("Product"),
    ("QueryRoot", "productVariantsCount"): _count("ProductVariant"),
    ("QueryRoot", "customersCount"): _count("Customer"),
    ("QueryRoot", "ordersCount"): _count("Order"),
    ("QueryRoot", "collectionsCount"): _count("Collection"),
    ("QueryRoot", "pagesCount"): _count("Page"),
    ("QueryRoot", "blogsCount"): _count("Blog"),
    ("QueryRoot", "collection"): _one("Collection"),
    ("QueryRoot", "page"): _one("Page"),
    ("QueryRoot", "blog"): _one("Blog"),
    ("QueryRoot", "article"): _one("Article"),
    ("QueryRoot", "product"): _one("Product"),
    ("QueryRoot", "productVariant"): _one("ProductVariant"),
    ("QueryRoot", "customer"): _one("Customer"),
    ("QueryRoot", "order"): _one("Order"),
    ("QueryRoot", "bulkOperation"): lambda run, args: run.bulk.find(args["id"]),
    ("QueryRoot", "bulkOperations"): lambda run, args: run.bulk.chosen(args),
    ("QueryRoot", "node"): _node,
    ("QueryRoot", "nodes"): _nodes,
    ("QueryRoot", "webhookSubscription"): _subscription,
    ("QueryRoot", "webhookSubscriptions"): lambda run, args: run.subscriptions.chosen(args),
    ("QueryRoot", "webhookSubscriptionsCount"): _subscription_count,
    ("Mutation", "bulkOperationRunQuery"): _run_bulk,
    ("Mutation", "bulkOperationCancel"): _cancel_bulk,
    ("Mutation", "webhookSubscriptionCreate"): _create_subscription,
    ("Mutation", "webhookSubscriptionDelete"): _delete_subscription,
}
"""(type, field) → function (run, arguments) → row, page, list or None."""
