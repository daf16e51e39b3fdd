"""Shops: search, filters, pages, ticks, the page for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select
from streamlit.testing.v1 import AppTest

from dashboard import data
from dashboard.api.desk import Desk
from dashboard.spreadsheet import as_csv
from sync_core.models import SyncAttempt
from tests.health_rows import Rows
from tests.views.conftest import Fleet, OpenPage
from tests.views.screen import text


def test_a_filter_in_the_address_shows_only_what_matches(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    page = open_page("shops", cause="reauthorise")

    assert list(page.dataframe[0].value["Domain"]) == ["revoked.myshopify.com"]
    assert list(page.dataframe[0].value["Status"]) == ["Blocked: access revoked"]


def test_a_status_in_the_address_shows_only_what_matches(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    page = open_page("shops", status="FAILED")

    found = list(page.dataframe[0].value["Status"])
    assert found
    assert all(words.startswith(("Failed", "Blocked")) for words in found)


def test_who_started_it_in_the_address_shows_only_those_shops(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy(shops=16)

    page = open_page("shops", path="wake")

    assert sorted(page.dataframe[0].value["Domain"]) == ["calm-0.myshopify.com", "calm-8.myshopify.com"]


def test_a_status_that_is_none_filters_nothing(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy()

    page = open_page("shops", status="nonsense")

    assert len(page.dataframe[0].value) == 40


def test_a_search_in_the_address_is_carried_out(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    page = open_page("shops", q="calm-7")

    assert list(page.dataframe[0].value["Domain"]) == ["calm-7.myshopify.com"]


def test_nothing_found_is_said_without_an_empty_table(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy()

    page = open_page("shops", q="nobody at all")

    assert "No shop matches." in text(page)
    assert not page.dataframe


def test_the_next_page_goes_on_where_the_first_ended(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy(shops=60)
    page = open_page("shops")
    first = set(page.dataframe[0].value["Domain"])

    page.button(key="next_page").click().run()

    second = set(page.dataframe[0].value["Domain"])
    assert (len(first), len(second)) == (50, 10)
    assert not first & second


def test_a_place_that_is_none_leads_to_the_first_page(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy()

    page = open_page("shops", page="nonsense")

    assert len(page.dataframe[0].value) == 40


def test_another_filter_leads_back_to_the_first_page(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy(shops=60)
    page = open_page("shops")
    page.button(key="next_page").click().run()

    page.selectbox(key="status_chosen").select("COMPLETED").run()

    assert "page" not in page.query_params
    assert page.query_params["status"] == "COMPLETED"
    assert len(page.dataframe[0].value) == 50


def test_ticked_shops_are_started_and_no_others(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.healthy(shops=3)
    page = open_page("shops")
    tick(page, [0, 2])

    page.button(key="sync_chosen").click().run()

    with desk.database.read() as session:
        asked = session.execute(select(SyncAttempt.shop_id).where(SyncAttempt.trigger == "manual")).scalars()
        assert sorted(asked) == ["id-calm-0", "id-calm-2"]


def test_ten_shops_may_be_started_together_and_eleven_not(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy(shops=12)
    page = open_page("shops")

    offered = [not tick(page, range(n)).button(key="sync_chosen").disabled for n in (0, 1, 10, 11)]

    assert offered == [False, True, True, False]


def test_the_page_for_a_spreadsheet_holds_nothing_that_it_would_compute(fleet: Fleet, desk: Desk) -> None:
    fleet.alive()
    with desk.database.write() as session:
        rows = Rows(session, desk.clock())
        rows.profile(rows.shop("evil"), "=HYPERLINK(1)")

    page = as_csv(data.search(data.Question(), None, 50)).decode()

    assert "'=HYPERLINK(1)" in page
    assert ",=" not in page


def test_a_request_of_staff_is_counted_once(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.healthy(shops=1)
    page = open_page("shops")
    tick(page, [0]).button(key="sync_chosen").click().run()

    tick(page, [0]).button(key="sync_chosen").click().run()

    with desk.database.read() as session:
        open_ones = select(func.count()).select_from(SyncAttempt).where(SyncAttempt.ended_at.is_(None))
        assert session.execute(open_ones).scalar_one() == 1
    assert "Already asked for: it is next in line." in text(page)


def tick(page: AppTest, rows: Iterable[int]) -> AppTest:
    """Tick rows of the table as the browser would: by their position on this page."""
    key = str(page.dataframe[0].key)
    page.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return page.run()
