"""Collections with membership, pages, blogs, articles and policies, where they are asked for."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import select

from sync_core import removals
from sync_core.app_models import SyncState
from sync_core.config import RESOURCE_NAMES, Settings
from sync_core.content_models import Article, Blog, Collection, CollectionProduct, Page, Policy
from sync_core.models import ShopSync
from sync_core.sandbox.running import Running
from sync_core.states import Mode, Outcome
from tests.conftest import MakeSettings
from tests.runs.conftest import ALL_SCOPES, DOMAIN, Bench, rows_at_shopify, rows_stored

CONTENT_SCOPES = [*ALL_SCOPES, "read_content", "read_legal_policies"]
TABLES: dict[str, tuple[Any, dict[str, str]]] = {
    "collections": (Collection, {"title": "title", "sort_order": "sortOrder", "updated_at": "updatedAt"}),
    "collection_products": (CollectionProduct, {}),
    "pages": (Page, {"title": "title", "body": "body", "published_at": "publishedAt", "updated_at": "updatedAt"}),
    "blogs": (Blog, {"title": "title", "updated_at": "updatedAt"}),
    "articles": (Article, {"title": "title", "blog_id": "blogId", "summary": "summary", "updated_at": "updatedAt"}),
    "policies": (Policy, {"kind": "type", "body": "body", "updated_at": "updatedAt"}),
}


@pytest.fixture
def settings(database_url: str, local_shopify: Running, make_settings: MakeSettings) -> Settings:
    own = {"database_url": database_url, "shopify_base_url": local_shopify.base_url}
    return make_settings(**own, sync_resources=RESOURCE_NAMES)


@pytest.fixture
def granted(bench: Bench, sandbox: Running) -> Bench:
    """A shop that granted everything; 40 products, so that few are in a page's first 100."""
    sandbox.control.rescope(DOMAIN, CONTENT_SCOPES)
    bench.clock.advance(days=1)
    return bench


def stored(bench: Bench, kind: str) -> dict[str, list[Any]]:
    return rows_stored(bench, *TABLES[kind])


def at_shopify(sandbox: Running, kind: str) -> dict[str, list[Any]]:
    return rows_at_shopify(sandbox, kind, TABLES[kind][1])


def equal(bench: Bench, sandbox: Running) -> list[str]:
    """The kinds whose rows differ from Shopify's."""
    return [kind for kind in TABLES if stored(bench, kind) != at_shopify(sandbox, kind)]


def test_what_was_asked_for_is_read_whole_after_the_rest(granted: Bench, sandbox: Running) -> None:
    outcome = granted.run()

    progress = granted.attempt().progress
    assert outcome is Outcome.COMPLETED
    assert list(progress) == ["shop", *RESOURCE_NAMES]
    assert [(one["done"] == one["total"], one["ended"], one["skipped"]) for one in progress.values()] == [
        (True, True, None)
    ] * 9
    assert equal(granted, sandbox) == []
    assert len(stored(granted, "collection_products")) > 40


def test_three_pages_of_each_and_a_collection_with_a_tail(granted: Bench, sandbox: Running) -> None:
    many = {"collections": 60, "pages": 510, "blogs": 510, "articles": 510}
    sandbox.control.put_shop(DOMAIN, products=330, variants=1, customers=0, orders=0, **many)
    granted.clock.advance(hours=1)

    granted.run()

    asked = [line["operation"] for line in sandbox.control.log(DOMAIN)]
    assert [asked.count(name) for name in ("Collections", "Pages", "Blogs", "Articles")] == [3, 3, 3, 3]
    assert asked.count("CollectionProducts") >= 1
    assert equal(granted, sandbox) == []


def test_only_what_was_asked_for_is_read(bench: Bench, sandbox: Running, make_settings: MakeSettings) -> None:
    sandbox.control.rescope(DOMAIN, CONTENT_SCOPES)
    tools = bench.tools
    url = {"database_url": tools.settings.database_url, "shopify_base_url": tools.settings.shopify_base_url}
    few = make_settings(**url, sync_resources="products,blogs")

    bench.run(tools=type(tools)(few, tools.database, tools.vault, tools.http, tools.limiters))

    assert list(bench.attempt().progress) == ["shop", "products", "blogs"]
    assert list(bench.state().held) == ["shop", "products", "blogs"]
    assert (len(stored(bench, "blogs")), len(stored(bench, "articles"))) == (2, 0)


@pytest.mark.parametrize(
    ("scope", "left_out"), [("read_content", ["pages", "blogs", "articles"]), ("read_legal_policies", ["policies"])]
)
def test_without_its_scope_each_is_left_out_with_the_reason(
    bench: Bench, sandbox: Running, scope: str, left_out: list[str]
) -> None:
    sandbox.control.rescope(DOMAIN, [one for one in CONTENT_SCOPES if one != scope])

    outcome = bench.run()

    skipped = {name: held["skipped"] for name, held in bench.state().held.items() if held["skipped"]}
    assert outcome is Outcome.COMPLETED
    assert skipped == dict.fromkeys(left_out, f"the scope {scope} is missing")
    assert all(not stored(bench, name) for name in left_out)


def test_what_shopify_denies_is_left_out_and_the_rest_is_read(granted: Bench, sandbox: Running) -> None:
    sandbox.control.fault(DOMAIN, "denied", field="articles", operation="Articles")

    outcome = granted.run()

    assert outcome is Outcome.COMPLETED
    assert granted.attempt().progress["articles"]["skipped"].startswith("The scope read_articles is missing")
    assert len(stored(granted, "policies")) == 4


def test_a_smart_collection_s_membership_is_read_again_though_nothing_tells_of_it(
    granted: Bench, sandbox: Running
) -> None:
    granted.run()
    smart = next(row for row in sandbox.control.rows(DOMAIN, "collections") if row["title"].startswith("By "))
    vendor = smart["title"].removeprefix("By ").partition(" no.")[0]
    rows = sandbox.control.rows(DOMAIN, "products")
    outsider, member = (next(row["id"] for row in rows if (row["vendor"] == vendor) is its) for its in (False, True))
    granted.clock.advance(hours=1)
    sandbox.control.update(DOMAIN, "products", outsider, vendor=vendor)
    sandbox.control.update(DOMAIN, "products", member, vendor="Somebody else")

    granted.run()

    members = stored(granted, "collection_products")
    assert f"{smart['id']}/{outsider}" in members
    assert f"{smart['id']}/{member}" not in members
    assert equal(granted, sandbox) == []


@pytest.mark.parametrize("kind", ["collections", "pages", "blogs", "articles", "policies"])
def test_a_change_and_a_deletion_arrive_with_the_next_pass(granted: Bench, sandbox: Running, kind: str) -> None:
    granted.run()
    gone, changed, *_ = (row["id"] for row in sandbox.control.rows(DOMAIN, kind))
    granted.clock.advance(hours=1)
    sandbox.control.delete(DOMAIN, kind, gone)
    sandbox.control.update(DOMAIN, kind, changed, title="Renamed")

    granted.run()

    assert gone not in stored(granted, kind)
    assert equal(granted, sandbox) == []


def test_a_pass_that_finds_nothing_gone_asks_for_no_ids(granted: Bench, sandbox: Running) -> None:
    granted.run()
    granted.clock.advance(hours=1)

    granted.run()

    asked = {line["operation"] for line in sandbox.control.log(DOMAIN)}
    assert not [name for name in asked if name.startswith("IdsOf")]


def test_the_law_s_erasure_takes_them_too(granted: Bench) -> None:
    granted.run(granted.claim(mode=Mode.EVERYTHING))

    with granted.tools.database.write() as session:
        erased = removals.remove_all(session, granted.shop_id)

    assert {name: n > 0 for name, n in erased.items()} == dict.fromkeys(RESOURCE_NAMES, True)
    assert [granted.count(table) for table, _ in TABLES.values()] == [0] * len(TABLES)


def test_the_app_is_told_of_the_three_that_it_knows(granted: Bench) -> None:
    granted.run()

    with granted.tools.database.read() as session:
        told = set(session.execute(select(SyncState.resource)).scalars())
        held = session.get_one(ShopSync, granted.shop_id).held
    assert told == {"products", "customers", "orders"}
    assert held["collections"]["rows"].keys() == {"collections", "collection_products"}


@pytest.mark.parametrize("seed", range(4))
def test_after_any_history_one_pass_makes_these_equal_shopify_too(granted: Bench, sandbox: Running, seed: int) -> None:
    dice = random.Random(seed)
    granted.run()
    for _ in range(30):
        granted.clock.advance(minutes=dice.randint(1, 300))
        act(sandbox, dice)
        if dice.random() < 1 / 6:
            granted.run()
    granted.clock.advance(hours=24)

    outcome = granted.run()

    assert outcome is Outcome.COMPLETED
    assert equal(granted, sandbox) == []


def act(sandbox: Running, dice: random.Random) -> None:
    """What a merchant does to the shop's content, or to a product that is in collections."""
    kind = dice.choice(["collections", "pages", "blogs", "articles", "products"])
    row = dice.choice(sandbox.control.rows(DOMAIN, kind))
    match dice.choice(["create", "update", "update", "delete"]):
        case "create":
            sandbox.control.create(DOMAIN, kind)
        case "delete" if kind != "blogs":
            sandbox.control.delete(DOMAIN, kind, row["id"])
        case _:
            sandbox.control.update(DOMAIN, kind, row["id"], **change(sandbox, dice, kind, row))


def change(sandbox: Running, dice: random.Random, kind: str, row: dict[str, Any]) -> dict[str, Any]:
    if kind == "products":
        return {"vendor": dice.choice(sandbox.control.rows(DOMAIN, kind))["vendor"]}
    if kind == "collections" and not row["title"].startswith("By "):
        chosen = dice.sample(sandbox.control.rows(DOMAIN, "products"), 5)
        return {"products": [product["id"] for product in chosen]}
    return {"title": f"New {dice.random()}"}
