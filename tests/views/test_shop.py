"""Shop: one shop's page in each situation, and what can be done from it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from dashboard.api.desk import Desk
from dashboard.views.history import folded
from sync_core.health import Entry, Mark
from sync_core.models import Audit, Note, ShopSync, SyncAttempt
from tests.conftest import Ago, Clock
from tests.views.conftest import Fleet, OpenPage
from tests.views.screen import text

FAILING = "failing.myshopify.com"


def shop_row(desk: Desk, shop_id: str) -> ShopSync:
    with desk.database.read() as session:
        return session.get_one(ShopSync, shop_id)


def test_a_shop_that_nobody_knows_leads_to_the_list(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy()

    page = open_page("shop", domain="nobody.myshopify.com")

    assert page.title[0].value == "No such shop"
    assert "Nothing is known of nobody.myshopify.com." in text(page)


def test_a_finished_shop_shows_what_we_hold_of_when(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy()

    page = open_page("shop", domain="calm-3.myshopify.com")

    assert page.title[0].value.startswith("Up to date")
    assert list(page.table[0].value.iloc[0])[:2] == ["Products", "12"]
    assert not page.button(key="sync_now").disabled


def test_what_an_adopted_shop_has_is_not_called_nothing(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.adopted()

    page = open_page("shop", domain="adopted.myshopify.com")

    assert "Not counted yet: rows appear here when the next sync has ended." in text(page)


def test_a_run_shows_how_far_it_is_and_cannot_be_started_twice(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    page = open_page("shop", domain="running.myshopify.com")

    assert "products at 40 %" in text(page)
    assert "40 of 100" in text(page)
    assert page.button(key="sync_now").disabled


def test_a_run_without_progress_may_be_taken_over_with_a_reason(
    open_page: OpenPage, fleet: Fleet, desk: Desk, clock: Clock
) -> None:
    fleet.burning()
    clock.advance(minutes=2)
    fleet.still_alive()
    page = open_page("shop", domain="running.myshopify.com")

    page.button(key="take_over").click().run()
    page.text_input(key="reason").input("stands still")
    page.button(key="confirmed").click().run()

    with desk.database.read() as session:
        outcomes = select(SyncAttempt.outcome).where(SyncAttempt.shop_id == "id-running")
        assert set(session.execute(outcomes).scalars()) == {"stolen", None}


def test_sync_now_shows_its_effect_at_once(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()
    page = open_page("shop", domain=FAILING)

    page.button(key="sync_now").click().run()

    assert page.title[0].value == "Waiting for a free worker."
    assert "Asked for: a worker starts it now." in text(page)


def test_a_blocked_shop_offers_the_link_and_no_sync(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    page = open_page("shop", domain="revoked.myshopify.com")

    assert "The merchant must act" in text(page)
    assert "/auth?shop=revoked.myshopify.com" in text(page)
    assert "sync_now" not in {button.key for button in page.button}


def test_without_a_reason_nothing_is_stopped(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.burning()
    page = open_page("shop", domain=FAILING)

    choose(page, "Stop syncing")
    page.button(key="confirmed").click().run()

    assert shop_row(desk, "id-failing").hold is None


def test_stopping_with_a_reason_is_done_and_audited(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.burning()
    page = open_page("shop", domain=FAILING)
    choose(page, "Stop syncing")

    page.text_input(key="reason").input("merchant asks")
    page.button(key="confirmed").click().run()

    with desk.database.read() as session:
        audit = session.execute(select(Audit)).scalar_one()
    assert shop_row(desk, "id-failing").hold == "stopped"
    assert (audit.act, audit.reason) == ("stop", "merchant asks")


def test_a_note_stands_in_the_timeline(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.burning()
    page = open_page("shop", domain=FAILING)

    page.text_input(key="note").input("Called the merchant").run()

    with desk.database.read() as session:
        assert session.execute(select(Note.text)).scalar_one() == "Called the merchant"
    assert "Called the merchant" in text(page)
    assert page.text_input(key="note").value == ""


def test_the_text_for_a_ticket_holds_no_address_of_a_person(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    ticket = open_page("shop", domain=FAILING).code[0].value

    assert "Moss *Bold* & <b>Co</b> (failing.myshopify.com), Basic plan" in ticket
    assert "Why: Our own error: KeyError in products.py:41." in ticket
    assert "owner@" not in ticket


@pytest.mark.parametrize(("same", "steps"), [(2, 2), (3, 1), (4, 1)])
def test_three_entries_that_say_the_same_are_folded(same: int, steps: int, ago: Ago) -> None:
    entries = [Entry(ago(minutes=nth), Mark.FAILED, "Tried again · failed") for nth in range(same)]

    assert len(folded(entries)) == steps


def test_entries_that_say_the_same_with_another_between_are_not_folded(ago: Ago) -> None:
    other = Entry(ago(minutes=9) - timedelta(hours=1), Mark.DONE, "Done")
    same = Entry(ago(minutes=3), Mark.FAILED, "Tried again · failed")

    assert len(folded([same, same, other, same])) == 4


def choose(page: AppTest, name: str) -> None:
    """Choose an entry of the More menu."""
    page.menu_button(key="more").click(name).run()
