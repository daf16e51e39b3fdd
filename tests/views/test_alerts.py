"""Alerts: what is wrong, who has it, who was told."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select, update

from dashboard.api import app as api
from dashboard.api.desk import Desk, Door
from sync_core.alerts.book import keep
from sync_core.models import Alert, AlertMessage, Audit, Mute, ShopSync
from tests.conftest import Clock, MakeSettings
from tests.views.conftest import Fleet, OpenPage
from tests.views.screen import text


def alert_of(desk: Desk, key: str) -> Alert:
    with desk.database.read() as session:
        return session.execute(select(Alert).where(Alert.key == key)).scalar_one()


def test_without_an_alert_nothing_is_wrong(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy()

    said = text(open_page("alerts"))

    assert "No alert is open." in said
    assert "No channel is set: nobody is told." in said


def test_an_open_alert_gives_its_four_answers(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.alarmed()

    said = text(open_page("alerts"))

    assert "3 alerts are open, and nobody has them yet." in said
    assert "It hits 1 shop: failing.myshopify.com." in said
    assert "An error of our own: KeyError in products.py:41." in said
    assert "First: Give the error to an engineer" in said.replace("**", "")
    assert "Since 08:40, 50 min." in said


def test_who_takes_an_alert_is_named_and_audited(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.alarmed()
    alert = alert_of(desk, "cause:internal")
    page = open_page("alerts")

    page.button(key=f"take_{alert.id}").click().run()

    said = text(page)
    assert "You have it: no more reminders go out." in said
    assert "Local admin has it since 09:30" in said
    assert "3 alerts are open; nobody has 2 of them yet." in said
    with desk.database.read() as session:
        audit = session.execute(select(Audit)).scalar_one()
    assert (audit.act, audit.detail) == ("acknowledge", {"about": alert.id})


def test_a_mute_needs_a_reason_has_an_end_and_can_be_taken_back(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.alarmed()
    alert = alert_of(desk, "cause:internal")
    page = open_page("alerts")

    page.button(key=f"mute_{alert.id}").click().run()
    refused = text(page)
    page.selectbox(key=f"length_{alert.id}").set_value("4 hours")
    page.text_input(key=f"reason_{alert.id}").set_value("Mended at noon")
    page.button(key=f"mute_{alert.id}").click().run()
    muted = text(page)
    page.button(key=f"unmute_{alert.id}").click().run()

    assert "A reason is needed" in refused
    assert "muted until 13:30 by Local admin: Mended at noon" in muted
    assert "muted until" not in text(page)
    with desk.database.read() as session:
        assert session.execute(select(func.count()).select_from(Mute)).scalar_one() == 1


def test_what_was_and_how_long_stands_below(open_page: OpenPage, fleet: Fleet, desk: Desk, clock: Clock) -> None:
    fleet.alarmed()
    with desk.database.write() as session:
        session.execute(update(ShopSync).values(failures=0, hold=None, attention=False))
    clock.advance(minutes=2)
    fleet.still_alive()
    keep(desk.database, desk.settings)

    page = open_page("alerts")

    table = page.table[0].value
    assert len(table) == 3
    assert set(table["Lasted"]) == {"52 min"}
    assert "No alert is open." in text(page)


def test_one_alert_has_an_address_with_its_messages(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.alarmed()
    alert = alert_of(desk, "cause:internal")
    with desk.database.write() as session:
        mine = update(AlertMessage).where(AlertMessage.alert_id == alert.id)
        session.execute(mine.values(tries=2, error="json://tickets.example: answered HTTP 503"))

    page = open_page("alerts", id=alert.id)

    table = page.table[0].value
    assert list(table["Message"]) == ["First message"]
    assert "not delivered yet: json" in text(page)
    assert "answered HTTP 503" in text(page)
    assert "Access revoked" not in text(page)


def test_an_address_of_no_alert_says_so(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.alive()

    page = open_page("alerts", id="nothing")

    assert "There is no such alert." in text(page)


def test_with_both_channels_set_nothing_is_missed_and_no_address_shown(
    desk: Desk, make_settings: MakeSettings, open_page: OpenPage, fleet: Fleet
) -> None:
    urls = {"alert_urls_page": "slack://a/b/planted-secret", "alert_urls_ticket": "json://x.example/planted-secret"}
    fleet.healthy()
    api.state.door = Door(lambda: replace(desk, settings=make_settings(**urls)))

    said = text(open_page("alerts")) + text(open_page("system"))

    assert "No channel" not in said
    assert "slack://…" in said
    assert "json://x.example" in said
    assert "planted-secret" not in said
