"""What a shop is found by: written when one of its parts is, served by trigrams where the server has them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from sync_core import finding, health
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import ShopSearch
from sync_core.resources.shop import Identity, store
from sync_core.states import Status
from tests.fleet import Fleet
from tests.health_rows import Rows
from tests.plans import selects

PROFILE: dict[str, Any] = {
    "shopify_gid": "gid://shopify/Shop/8812",
    "name": "Atelier Straße",
    "name_folded": "atelier strasse",
    "primary_domain": "www.Atelier.example",
    "contact_email": None,
}


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Fleet:
    return Fleet(database, settings)


@pytest.fixture
def rows(sqlite_database: Database, now: datetime) -> Iterator[Rows]:
    with sqlite_database.write() as session:
        yield Rows(session, now)


def known(session: Session) -> dict[str, str]:
    return {row.shop_id: row.text for row in session.execute(select(ShopSearch)).scalars()}


def test_a_new_shop_is_found_by_its_domain(database: Database, fleet: Fleet) -> None:
    shop_id = fleet.install("one.myshopify.com")

    with database.read() as session:
        assert known(session) == {shop_id: "one.myshopify.com"}


def test_each_sync_writes_what_the_profile_says(database: Database, fleet: Fleet, now: datetime) -> None:
    shop_id = fleet.install("one.myshopify.com")

    with database.write() as session:
        store(session, shop_id, Identity(PROFILE, "EUR", frozenset()), now=now)

    with database.read() as session:
        said = known(session)[shop_id]
    assert said.split("\n") == ["one.myshopify.com", "atelier strasse", "www.atelier.example", "8812"]


def test_what_did_not_change_is_not_written_again(rows: Rows) -> None:
    shop_id = rows.shop("one")
    with_profile = known(rows.session)

    finding.know(rows.session, shop_id, {"name": "One"})
    once = known(rows.session)
    finding.know(rows.session, shop_id)

    assert with_profile == known(rows.session) == {shop_id: "one.myshopify.com"}
    assert once == {shop_id: "one.myshopify.com\none"}


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_a_word_is_served_by_trigrams(database: Database, now: datetime) -> None:
    with database.write() as session:
        rows = Rows(session, now)
        for nth in range(300):
            rows.profile(rows.shop(f"shop-{nth}"), f"Shop {nth} of many")
        session.execute(text("SET LOCAL enable_seqscan = off"))
        with selects(database, "shop_search") as sent:
            page = health.search(session, now=now, text="277 of")
        plan = session.connection().exec_driver_sql(f"EXPLAIN {sent[0].sql}", sent[0].parameters).fetchall()

    assert [row.domain for row in page.rows] == ["shop-277.myshopify.com"]
    assert finding.INDEX in str(plan)


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_without_the_right_to_make_the_extension_the_search_works_all_the_same(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "EXTENSION", text("CREATE EXTENSION no_such_extension"))
    with database.engine.begin() as connection:
        connection.execute(text("DROP EXTENSION pg_trgm CASCADE"))
        finding.index(connection)

    with database.write() as session:
        Rows(session, now).shop("alder")
        found = health.search(session, now=now, text="lde").rows
    schema = inspect(database.engine).get_indexes("shop_search", schema="shopsync")
    assert [row.domain for row in found] == ["alder.myshopify.com"]
    assert schema == []


def test_a_text_that_nearly_all_shops_match_is_paged_like_any_other(
    database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("sync_core.health.search"), "CAP", 3)
    with database.write() as session:
        rows = Rows(session, now)
        for nth in range(7):
            rows.shop(f"alder-{nth}", status=Status.COMPLETED if nth % 2 else Status.PENDING)
        first = health.search(session, now=now, text="alder", limit=4)
        rest = health.search(session, now=now, text="alder", limit=4, after=first.next_after)
        waiting = health.search(session, now=now, text="alder", status=Status.PENDING)

    listed = [row.domain for row in (*first.rows, *rest.rows)]
    assert listed == [f"alder-{nth}.myshopify.com" for nth in range(7)]
    assert (first.total, first.capped) == (3, True)
    assert [row.domain for row in waiting.rows] == [f"alder-{nth}.myshopify.com" for nth in (0, 2, 4, 6)]
