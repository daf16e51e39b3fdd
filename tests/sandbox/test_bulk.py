"""Bulk operations: states, files, limits, and each way in which they disappoint."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from tests.sandbox.app import DOMAIN, App, Hands
from tests.sandbox.conftest import MakeApp

RUN = """mutation BulkRun($query: String!, $grouped: Boolean = false) {
  bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
    bulkOperation { id status } userErrors { code field message }
  }
}"""
STATUS = """query BulkStatus($id: ID!) { bulkOperation(id: $id) {
  id status errorCode type query createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl
} }"""
LIST = "query BulkList($q: String) { bulkOperations(first: 10, query: $q) { nodes { id status query } } }"
CANCEL = """mutation BulkCancel($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } }
}"""
PRODUCTS = "{ products { edges { node { __typename id title variants { edges { node { __typename id sku } } } } } } }"
NONE = "{ products(query: \"updated_at:>='2999-01-01'\") { edges { node { id } } } }"


def submit(app: App, query: str = PRODUCTS, **more: Any) -> dict[str, Any]:
    return dict(app.ask(RUN, query=query, **more)["data"]["bulkOperationRunQuery"])


def status(app: App, identity: str) -> dict[str, Any]:
    return dict(app.ask(STATUS, id=identity)["data"]["bulkOperation"])


def finished(app: App, query: str = PRODUCTS, **more: Any) -> dict[str, Any]:
    """The operation when it is over."""
    identity = submit(app, query, **more)["bulkOperation"]["id"]
    while (found := status(app, identity))["completedAt"] is None:
        pass
    return found


def lines(app: App, url: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in app.client.get(url).content.splitlines()]


def test_a_bulk_query_runs_and_its_file_holds_every_object(make_app: MakeApp) -> None:
    app = make_app(products=120, variants=(1, 4), throttle=False)
    app.install()

    submitted = submit(app)["bulkOperation"]
    operation = finished(app)
    found = lines(app, operation["url"])

    assert submitted["status"] == "CREATED"
    assert (operation["status"], operation["rootObjectCount"]) == ("COMPLETED", "120")
    assert operation["objectCount"] == str(len(found))
    variants = {line["id"].rpartition("/")[2]: line["__parentId"] for line in found if "__parentId" in line}
    truth = {row["id"]: f"gid://shopify/Product/{row['productId']}" for row in app.control.rows(DOMAIN, "variants")}
    assert variants == truth


def test_counts_and_sizes_are_text_and_the_size_is_the_files(app: App) -> None:
    operation = finished(app)

    assert operation["fileSize"] == str(len(app.client.get(operation["url"]).content))
    assert {type(operation[name]) for name in ("objectCount", "rootObjectCount", "fileSize")} == {str}


def test_children_are_shuffled_between_parents_but_keep_the_order_of_their_connection(make_app: MakeApp) -> None:
    app = make_app(products=200, variants=(3, 3), throttle=False)
    app.install()

    found = lines(app, finished(app)["url"])

    seen: set[str] = set()
    early = adjacent = 0
    by_parent: dict[str, list[str]] = {}
    for before, line in zip([{}, *found], found, strict=False):
        parent = line.get("__parentId")
        seen.add(line["id"])
        if parent:
            early += parent not in seen
            adjacent += before.get("id") == parent
            by_parent.setdefault(parent, []).append(line["id"])
    assert early > 20
    assert adjacent < 100
    assert all(children == sorted(children) for children in by_parent.values())


def test_grouped_objects_follow_their_parent(app: App) -> None:
    found = lines(app, finished(app, grouped=True)["url"])

    parents = [line.get("__parentId", line["id"]) for line in found]
    assert parents == sorted(parents, key=parents.index)


def test_an_empty_result_has_no_url(app: App) -> None:
    operation = finished(app, NONE)

    assert (operation["status"], operation["objectCount"], operation["url"]) == ("COMPLETED", "0", None)


def test_the_sixth_operation_at_once_is_refused(make_app: MakeApp) -> None:
    app = make_app(bulk_objects_per_second=0)
    app.install()

    codes = [submit(app)["userErrors"] for _ in range(6)]

    assert codes[:5] == [[]] * 5
    assert codes[5][0]["code"] == "LIMIT_REACHED"


def test_an_operation_may_be_found_by_its_status_and_cancelled(make_app: MakeApp) -> None:
    app = make_app(bulk_objects_per_second=0)
    app.install()
    identity = submit(app)["bulkOperation"]["id"]
    app.ask("{ shop { id } }")

    listed = app.ask(LIST, q="status:RUNNING operation_type:QUERY")["data"]["bulkOperations"]["nodes"]
    cancelled = app.ask(CANCEL, id=identity)["data"]["bulkOperationCancel"]

    assert listed == [{"id": identity, "status": "RUNNING", "query": PRODUCTS}]
    assert cancelled == {"bulkOperation": {"status": "CANCELED"}, "userErrors": []}
    assert app.ask(LIST, q="status:RUNNING")["data"]["bulkOperations"]["nodes"] == []


def test_access_is_denied_beside_the_data_or_said_in_user_errors(app: App) -> None:
    app.control.put_shop(DOMAIN, keep=True, bulk_access="denied")
    denied = app.ask(RUN, query=PRODUCTS)
    app.control.put_shop(DOMAIN, keep=True, bulk_access="refused")
    refused = submit(app)

    assert denied["data"] == {"bulkOperationRunQuery": None}
    assert denied["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert "Access denied" in refused["userErrors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{ shop { id } }", "connection"),
        ("{ products { edges { node { id } } } orders { edges { node { id } } } }", "one top-level field"),
        ("{ products { edges { node { title variants { edges { node { id } } } } } } }", "'id'"),
        ("{ products { edges { node { nonsense } } } }", "doesn't exist"),
    ],
)
def test_a_query_against_the_rules_is_invalid(app: App, query: str, said: str) -> None:
    refused = submit(app, query)

    assert refused["bulkOperation"] is None
    assert refused["userErrors"][0]["code"] == "INVALID"
    assert said in refused["userErrors"][0]["message"]


def test_a_missing_scope_fails_the_operation(make_app: MakeApp) -> None:
    app = make_app()
    app.install(scope="read_products")

    operation = finished(app, "{ orders { edges { node { id } } } }")

    assert (operation["status"], operation["errorCode"]) == ("FAILED", "ACCESS_DENIED")


def test_the_partial_data_of_a_failed_operation_comes_later(app: App, hands: Hands) -> None:
    app.control.fault(DOMAIN, "failed", operation="bulk_run", objects=7, seconds=3, message="TIMEOUT")

    operation = finished(app)
    hands.advance(2.9)
    before = status(app, operation["id"])
    hands.advance(0.1)
    after = status(app, operation["id"])

    assert (operation["status"], operation["errorCode"], operation["url"]) == ("FAILED", "TIMEOUT", None)
    assert before["partialDataUrl"] is None
    assert len(lines(app, after["partialDataUrl"])) == 7


@pytest.mark.parametrize(("kind", "ended"), [("canceled", "CANCELED"), ("expired", "EXPIRED")])
def test_an_operation_may_end_without_anything(app: App, kind: str, ended: str) -> None:
    app.control.fault(DOMAIN, kind, operation="bulk_run")

    operation = finished(app)

    assert (operation["status"], operation["url"], operation["partialDataUrl"]) == (ended, None, None)


def test_a_lossy_operation_counts_more_than_its_file_has(make_app: MakeApp) -> None:
    app = make_app(products=120)
    app.install()
    app.control.fault(DOMAIN, "lossy", operation="bulk_run", objects=1)

    operation = finished(app)

    assert operation["status"] == "COMPLETED"
    assert len(lines(app, operation["url"])) < int(operation["objectCount"])


def test_the_file_wants_no_token_but_a_signature_and_answers_ranges(app: App) -> None:
    url = finished(app)["url"]

    whole = app.client.get(url)
    part = app.client.get(url, headers={"Range": "bytes=100-"})
    forged = app.client.get(url[:-1] + ("x" if url[-1] != "x" else "y"))

    assert (whole.status_code, part.status_code, forged.status_code) == (200, 206, 403)
    assert part.content == whole.content[100:]
    assert app.client.get(url, headers={"Range": f"bytes={len(whole.content)}-"}).status_code == 416


def test_the_file_is_kept_for_a_week(app: App, hands: Hands) -> None:
    operation = finished(app)
    hands.advance(7 * 86_400 - 1)
    kept = app.client.get(operation["url"]).status_code
    hands.advance(1)

    assert kept == 200
    assert app.client.get(operation["url"]).status_code == 400
    app.install()
    assert status(app, operation["id"])["url"] is None


def test_faults_hit_the_file_only_when_they_name_it(app: App) -> None:
    url = finished(app)["url"]
    app.control.fault(DOMAIN, "reset")
    whole = app.client.get(url).content

    app.control.fault(DOMAIN, "short", times=1, operation="bulk_file")
    short = app.client.get(url).content
    for kind in ("half", "reset"):
        app.control.fault(DOMAIN, kind, times=1, operation="bulk_file")
        with pytest.raises(httpx.TransportError):
            app.client.get(url)

    assert len(short) < len(whole)
    assert app.client.get(url).content == whole


def test_running_costs_ten_points_and_looking_one(app: App) -> None:
    run = app.ask(RUN, query=PRODUCTS)
    look = app.ask(STATUS, id=run["data"]["bulkOperationRunQuery"]["bulkOperation"]["id"])

    assert run["extensions"]["cost"]["requestedQueryCost"] == 10
    assert look["extensions"]["cost"]["requestedQueryCost"] == 1
