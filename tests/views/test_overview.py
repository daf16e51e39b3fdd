"""Overview: what the eye sees first, on empty, healthy, burning and dead fleets."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from dashboard import data
from dashboard.api.desk import Desk
from sync_core import health
from sync_core.errors import TooSlow
from sync_core.models import Audit, SyncAttempt
from tests.conftest import Clock
from tests.test_time_limit import ENDLESS
from tests.views.conftest import Fleet, OpenPage
from tests.views.screen import text, texts


def test_an_empty_fleet_is_shown_the_first_steps(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.alive()

    page = open_page("overview")

    assert page.title[0].value == "No shop is installed yet."
    assert "Install the first shop" in text(page)
    assert not page.get("plotly_chart")


def test_a_healthy_fleet_says_so_in_one_sentence(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy()

    page = open_page("overview")

    assert page.title[0].value == "All 40 shops fine."
    assert "No shop needs you." in text(page)
    assert "Scheduler alive 0 s ago" in text(page)


def test_the_four_objectives_have_the_names_of_the_users_in_their_order(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy()

    said = texts(open_page("overview"))

    names = ["**Success rate**", "**Pick-up rate**", "**Time to sync**", "**Sweep success**"]
    assert [each for each in said if each in names] == names
    assert "40 of 40 :gray[· 100 %]" in said


def test_too_few_installs_leave_an_objective_undecided_and_grey(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy()

    said = texts(open_page("overview"))

    assert ":gray[Undecided until 381 installs]" in said
    assert not any("orange" in each or "yellow" in each for each in said)


def test_every_chart_says_in_words_what_it_shows(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    page = open_page("overview")

    charts = page.get("plotly_chart")
    assert len(charts) == 6
    assert all(chart.proto.alt and json.loads(chart.proto.spec)["data"] for chart in charts)


def test_who_needs_us_stands_first_with_the_one_primary_button(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    page = open_page("overview")

    buttons = {button.key: button for button in page.button if str(button.key).startswith("act_")}
    assert page.title[0].value.startswith("3 shops need you")
    assert [key for key, button in buttons.items() if button.proto.type == "primary"] == ["act_failing.myshopify.com"]
    assert "Fails again and again, 1 shop" in text(page)


def test_a_shop_that_only_the_merchant_can_help_offers_the_link_instead_of_sync(
    open_page: OpenPage, fleet: Fleet
) -> None:
    fleet.burning()

    page = open_page("overview")

    assert "act_revoked.myshopify.com" not in {button.key for button in page.button}
    assert "http://127.0.0.1:8501/auth?shop=revoked.myshopify.com" in text(page)


def test_sync_now_opens_a_request_with_an_audit_row_and_says_so(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.burning()
    page = open_page("overview")

    page.button(key="act_failing.myshopify.com").click().run()

    with desk.database.read() as session:
        opened = session.execute(select(SyncAttempt).where(SyncAttempt.claimed_at.is_(None))).scalar_one()
        audit = session.execute(select(Audit)).scalar_one()
    assert (opened.shop_id, opened.trigger, opened.actor) == ("id-failing", "manual", "Local admin")
    assert (audit.act, audit.shop_id, audit.origin) == ("sync", "id-failing", "page")
    assert "Asked for: a worker starts it now." in text(page)


def test_a_dead_scheduler_is_a_red_verdict_and_the_way_to_system(
    open_page: OpenPage, fleet: Fleet, clock: Clock
) -> None:
    fleet.healthy()
    clock.advance(hours=3)

    page = open_page("overview")

    assert page.title[0].value == ":red[The safety check has not run since 09:30: open System.]"
    assert page.button(key="open_cause").proto.type == "primary"
    assert ":red[Scheduler: last sign of life" in text(page)


def test_with_nobody_to_run_it_sync_now_is_off_and_says_why(open_page: OpenPage, fleet: Fleet, clock: Clock) -> None:
    fleet.burning()
    clock.advance(hours=3)

    page = open_page("overview")

    offered = [button for button in page.button if button.label == "Sync now"]
    assert offered
    assert all(button.disabled and button.help for button in offered)


def test_a_lost_database_leaves_the_last_picture_with_the_acts_off(
    open_page: OpenPage, fleet: Fleet, desk: Desk
) -> None:
    fleet.burning()
    page = open_page("overview")
    with desk.database.engine.begin() as connection:
        connection.execute(sql("ALTER TABLE shop_sync RENAME TO lost"))
    data.look_again()
    page.run()

    assert page.title[0].value == ":red[Database unreachable since 09:30.]"
    assert ":gray[Failed 13 times since 08:40" in text(page)
    assert page.button(key="act_failing.myshopify.com").disabled


def test_a_database_that_is_slow_is_not_said_to_be_away(
    open_page: OpenPage, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.burning()
    open_page("overview")
    monkeypatch.setattr(data, "_fleet", too_slow)
    data.look_again()

    overview, system = open_page("overview"), open_page("system")

    assert overview.title[0].value == ":red[Database too slow since 09:30.]"
    assert "It answers, but not within 5 s. What follows is the picture of 09:30." in text(overview)
    assert not overview.button(key="act_failing.myshopify.com").disabled
    assert "Database too slow since 09:30." in text(system)
    assert "nothing is due" not in text(system)


def too_slow() -> None:
    raise TooSlow("the database took longer than 5 s")


def test_the_shortest_window_with_enough_installs_is_chosen(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy(shops=29)

    page = open_page("overview")

    assert page.segmented_control(key="window").value == "90 days"


def test_another_window_judges_the_installs_whose_day_ended_in_it(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy()
    page = open_page("overview")

    page.segmented_control(key="window").set_value("24 h").run()

    assert "19 of 19 :gray[· 100 %]" in texts(page)


def test_a_name_from_outside_is_shown_as_it_is(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    said = "\n".join(texts(open_page("overview")))

    assert r"Moss \*Bold\* & \<b\>Co\</b\>" in said


def test_all_viewers_share_one_snapshot(open_page: OpenPage, fleet: Fleet, clock: Clock) -> None:
    fleet.healthy()
    open_page("overview")
    clock.advance(seconds=2)

    second = open_page("overview")

    assert "Data of 09:30:00, 2 s ago" in text(second)


@pytest.mark.parametrize(
    ("question", "others"),
    [("failures", 5), ("losses", 6), ("installs", 3), ("pickups", 5), ("browser_path", 5), ("slots", 5)],
)
def test_a_panel_whose_question_takes_too_long_fails_alone_and_says_so(
    open_page: OpenPage, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, question: str, others: int
) -> None:
    def give_up(_session: Session, **_asked: object) -> None:
        raise TooSlow("the database took longer than 5 s")

    fleet.burning()
    monkeypatch.setattr(health, question, give_up)

    page = open_page("overview")

    assert "the database took longer than 5 s" in text(page)
    assert page.title[0].value.startswith("3 shops need you")
    assert "**Success rate**" in texts(page)
    assert len(page.get("plotly_chart")) == others


def test_objectives_that_take_too_long_leave_who_needs_you_and_the_checks(
    open_page: OpenPage, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.burning()
    monkeypatch.setattr(health, "objectives", lambda books, **_asked: books.session.execute(ENDLESS))
    monkeypatch.setattr(data, "PANEL_SECONDS", 2.0)

    page = open_page("overview")

    assert "Objectives cannot be shown now: the database took longer than 2 s." in text(page)
    assert page.title[0].value.startswith("3 shops need you")
    assert page.get("plotly_chart")
