"""The line that accounts for every install, and the list of shops behind each class."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from dashboard.api.desk import Desk
from tests.health_rows import Rows
from tests.views.conftest import Fleet, OpenPage
from tests.views.screen import text, texts

WEEK = {"from": "2026-10-26T09:30:00.000Z", "to": "2026-11-02T09:30:00.000Z"}


def links(said: list[str]) -> dict[str, dict[str, str]]:
    """Class in words → the address's parameters."""
    line = next(each for each in said if "installs = " in each)
    found = re.findall(r"\[([^\[\]]+)\]\((/shops[^)]+)\)", line)
    return {words: dict(parse_qsl(urlsplit(address).query)) for words, address in found}


def test_the_classes_add_up_and_each_leads_to_its_shops(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()

    said = texts(open_page("overview"))

    assert any("45 installs = " in each and ": adds up]" in each for each in said)
    ways = links(said)
    assert set(ways) == {"35 browser", "5 automatic", "1 waiting", "2 retrying", "2 blocked"}
    for words, query in ways.items():
        assert text(open_page("shops", **query)).count(words.split()[0] + " shop") == 1, words


def test_a_lost_install_is_a_red_gap_with_its_size(open_page: OpenPage, fleet: Fleet, desk: Desk) -> None:
    fleet.healthy()
    with desk.database.write() as session:
        rows = Rows(session, desk.clock())
        rows.install(rows.shop("lost", status="PENDING"), rows.now - timedelta(hours=30))

    said = texts(open_page("overview"))

    line = next(each for each in said if "installs = " in each)
    assert line.startswith(":small[:red[41 installs = ")
    assert "**1 unaccounted for; nothing will start it**" in line
    page = open_page("shops", **links(said)["1 unaccounted for"])
    assert list(page.dataframe[0].value["Domain"]) == ["lost.myshopify.com"]


def test_the_list_of_a_class_says_what_it_is_and_leads_back_to_all(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.burning()
    page = open_page("shops", **{"class": "blocked"}, **WEEK)

    assert "Installs from 26 Oct, 09:30 to 09:30: **blocked**" in text(page)
    assert len(page.dataframe[0].value) == 2

    page.button(key="all_shops").click().run()

    assert "45 shops" in text(page)
    assert not page.query_params.get("class")


def test_the_list_of_a_class_goes_on_from_page_to_page(open_page: OpenPage, fleet: Fleet) -> None:
    fleet.healthy(shops=120)
    page = open_page("shops", **{"class": "browser"}, **WEEK)
    first = set(page.dataframe[0].value["Domain"])

    page.button(key="next_page").click().run()

    second = set(page.dataframe[0].value["Domain"])
    assert (len(first), first & second) == (50, set())
    assert page.query_params["class"] == "browser"


@pytest.mark.parametrize(
    "query",
    [
        {"class": "no such", **WEEK},
        {"class": "blocked"},
        {"class": "blocked", "from": "yesterday", "to": "2026-11-02T09:30:00Z"},
        {"class": "blocked", "from": "2026-10-26T09:30:00", "to": "2026-11-02T09:30:00"},
    ],
)
def test_an_address_that_names_no_class_shows_all_shops(
    open_page: OpenPage, fleet: Fleet, query: dict[str, str]
) -> None:
    fleet.healthy()

    page = open_page("shops", **query)

    assert len(page.dataframe[0].value) == 40
    assert "Installs from" not in text(page)
