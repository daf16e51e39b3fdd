"""From cursor to legs and back; the plan's sentence."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync_core.plan import sentence
from sync_core.progress import CHANGES, FULL, Leg, cursor_of, finished_cursor, progress_of, resume
from sync_core.resources import RESOURCES
from sync_core.shopify.answers import Cost
from sync_core.states import Mode


def test_nothing_finished_yet_reads_everything(now: datetime) -> None:
    leg = resume({}, "products", mode=Mode.CHANGES, now=now)

    assert (leg.kind, leg.since, leg.after, leg.started) == (FULL, None, None, now)


def test_after_success_only_what_changed_since_the_pass_began_is_read(now: datetime) -> None:
    finished = finished_cursor({"products": Leg(FULL, now, None, done=3, ended=True)})

    leg = resume(finished, "products", mode=Mode.CHANGES, now=now + timedelta(days=1))

    assert (leg.kind, leg.since, leg.done, leg.ended) == (CHANGES, now, 0, False)


def test_everything_ignores_the_watermark(now: datetime) -> None:
    finished = finished_cursor({"products": Leg(FULL, now, None, ended=True)})

    leg = resume(finished, "products", mode=Mode.EVERYTHING, now=now)

    assert (leg.kind, leg.since) == (FULL, None)


@pytest.mark.parametrize("mode", Mode)
def test_an_unfinished_pass_goes_on_where_it_stands(now: datetime, mode: Mode) -> None:
    leg = Leg(CHANGES, now, now - timedelta(days=1), total=900)
    leg.advance(roots=250, after="c-1", ended=False)

    again = resume(cursor_of({"products": leg}), "products", mode=mode, now=now + timedelta(hours=1))

    assert again == leg


def test_a_skipped_resource_begins_again_at_its_old_watermark(now: datetime) -> None:
    old = now - timedelta(days=1)
    leg = Leg(CHANGES, now, old, after="c-1", done=250)
    leg.skip("the scope read_orders is missing")

    for cursor in (cursor_of({"orders": leg}), finished_cursor({"orders": leg})):
        assert resume(cursor, "orders", mode=Mode.CHANGES, now=now) == Leg(CHANGES, now, old)


@pytest.mark.parametrize(("total", "shown"), [(None, None), (200, 250), (250, 250), (900, 900)])
def test_done_never_exceeds_the_total(now: datetime, total: int | None, shown: int | None) -> None:
    leg = Leg(FULL, now, None, total=total)

    leg.advance(roots=250, after=None, ended=True)

    assert progress_of({"products": leg})["products"] == {"done": 250, "total": shown, "skipped": None, "ended": True}


def _legs(now: datetime, **totals: int) -> dict[str, Leg]:
    return {resource.name: Leg(FULL, now, None, total=totals.get(resource.name, 0)) for resource in RESOURCES}


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        ({}, "0 objects: page by page, about 1 s"),
        ({"products": 1}, "1 object: page by page, about 1 s"),
        ({"products": 2311}, "2,311 objects: page by page, about 7 s"),
        ({"products": 100_000}, "100,000 objects: page by page, about 5 min"),
    ],
)
def test_the_plan_says_how_much_and_about_how_long(now: datetime, totals: dict[str, int], said: str) -> None:
    assert sentence(RESOURCES, _legs(now, **totals), None) == said


def test_the_plan_counts_the_time_in_which_points_come_back(now: datetime) -> None:
    bucket = Cost(1, 1, available=2000, maximum=2000, restore_rate=100)

    said = sentence(RESOURCES, _legs(now, orders=2500), bucket)

    assert said == "2,500 objects: page by page, about 12 s"


def test_the_plan_leaves_out_what_is_read_already(now: datetime) -> None:
    legs = _legs(now, products=300)
    legs["products"].advance(roots=250, after="c-1", ended=False)

    assert sentence(RESOURCES, legs, None).startswith("50 objects")
