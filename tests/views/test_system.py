"""System: who is alive, what is set."""

from __future__ import annotations

from dashboard.api.desk import Desk
from tests.conftest import Clock
from tests.views.conftest import Fleet, OpenPage
from tests.views.screen import text


def test_a_living_scheduler_is_listed_as_alive(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.alive()

    page = open_page("system")

    assert list(page.table[0].value["State"]) == ["alive"]
    assert not page.error


def test_a_silent_scheduler_comes_with_the_command_that_mends_it(
    open_page: OpenPage, fleet: Fleet, clock: Clock
) -> None:
    fleet.alive()
    clock.advance(minutes=5)

    page = open_page("system")

    assert list(page.table[0].value["State"]) == [":red[**silent**]"]
    assert "python scheduler.py" in page.error[0].value


def test_no_process_at_all_is_said(open_page: OpenPage) -> None:
    page = open_page("system")

    assert "No process has ever given a sign of life." in text(page)


def test_a_secret_is_said_to_be_set_and_never_shown(open_page: OpenPage, desk: Desk) -> None:
    said = text(open_page("system"))

    assert "Cron secret" in said
    for secret in (desk.settings.cron_secret, desk.settings.token_keys, desk.settings.shopify_api_secret):
        assert secret is not None
        assert secret.get_secret_value() not in said
