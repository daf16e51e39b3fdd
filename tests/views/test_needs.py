"""Which shops are listed under Needs you, when there are more than fit."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from dashboard.api.desk import Desk
from dashboard.views.needs import chosen
from sync_core.explain import Action, Need, Who
from sync_core.health import Group
from sync_core.states import Status
from tests.health_rows import Rows
from tests.views.conftest import Fleet, OpenPage
from tests.views.screen import text


def group(now: datetime, cause: str, n: int, *, who: Who = Who.MERCHANT) -> Group:
    needs = tuple(
        Need(
            shop_id=f"{cause}-{nth}",
            domain=f"{cause}-{nth}.myshopify.com",
            name=f"{cause}-{nth}",
            cause=cause,
            who=who,
            action=Action.LINK,
            since=now,
            held_since=None,
            next_at=None,
            failures=1,
            error_class=None,
            error_message=None,
            status=Status.FAILED,
            first_synced_at=None,
        )
        for nth in range(n)
    )
    return Group(cause, who, n, False, needs)


@pytest.mark.parametrize(("waiting", "listed"), [(5, 5), (6, 6), (7, 6)])
def test_six_rows_are_listed_at_most(waiting: int, listed: int, now: datetime) -> None:
    groups = (group(now, "reauthorise", waiting),)

    assert sum(len(needs) for _, needs in chosen(groups)) == listed


def test_each_cause_keeps_a_row_beside_a_large_one(now: datetime) -> None:
    groups = (group(now, "reauthorise", 40), group(now, "locked", 1), group(now, "gone", 2))

    assert [(each.cause, len(needs)) for each, needs in chosen(groups)] == [
        ("reauthorise", 4),
        ("locked", 1),
        ("gone", 1),
    ]


def test_what_we_must_do_comes_first(now: datetime) -> None:
    groups = (group(now, "locked", 1, who=Who.SHOPIFY), group(now, "attention", 1, who=Who.US))

    assert [each.cause for each, _ in chosen(groups)] == ["attention", "locked"]


@pytest.mark.parametrize(
    ("ages", "said"),
    [
        ((5,), ""),
        ((301,), ""),
        ((120,), "[1 new shop](/shops?sort=Waiting+longest) will wait longer than 5 min: it starts at about 09:35"),
        (
            (120, 130, 310),
            "[2 new shops](/shops?sort=Waiting+longest) will wait longer than 5 min: the last starts at about 09:35",
        ),
    ],
)
def test_new_shops_that_will_wait_too_long_are_said_before_they_do(
    open_page: OpenPage, fleet: Fleet, desk: Desk, ages: tuple[int, ...], said: str
) -> None:
    fleet.alive()
    with desk.database.write() as session:
        rows = Rows(session, desk.clock())
        for age in ages:
            installed_at = rows.now - timedelta(seconds=age)
            due = {"due_at": rows.now + timedelta(seconds=200), "first_synced_at": None}
            rows.install(rows.shop(status=Status.PENDING, installed_at=installed_at, **due), installed_at)

    shown = text(open_page("overview"))

    assert (said in shown) if said else ("longer than 5 min" not in shown)
