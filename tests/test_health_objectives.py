"""The four objectives and the ledger, at their deadlines; tests/recount has whole histories."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from sync_core import health
from sync_core.config import Settings
from sync_core.health.ledger import CLASSES
from sync_core.states import Hold, Status, Trigger
from tests.conftest import Ago
from tests.health_rows import Rows

WEEK = timedelta(days=7)


@pytest.fixture
def rows(session: Session, now: datetime) -> Rows:
    return Rows(session, now)


@pytest.fixture
def judge(session: Session, now: datetime, settings: Settings):
    def judged(window: timedelta = WEEK, *, until: datetime = now) -> health.Objectives:
        return health.objectives(session, since=until - window, until=until, now=now, settings=settings)

    return judged


@pytest.fixture
def report(session: Session, now: datetime, settings: Settings) -> Callable[[], dict[str, Any]]:
    return lambda: health.report(session, since=now - WEEK, until=now, now=now, settings=settings, step=None)


def test_a_window_without_anything_has_no_data_and_no_percentage(report: Callable[[], dict[str, Any]]) -> None:
    said = report()["objectives"]

    assert [figures["verdict"] for figures in said.values()] == ["NO_DATA"] * 4
    assert (said["sync_success"]["value"], said["time_to_sync"]["mean"]) == (None, None)


@pytest.mark.parametrize(("seconds", "k"), [(86_399, 1), (86_400, 1), (86_401, 0)])
def test_an_install_is_good_when_synced_by_its_deadline(rows: Rows, ago: Ago, judge, seconds: int, k: int) -> None:
    rows.installed(ago(days=3), claimed=5, synced=seconds)

    figures = judge().sync_success

    assert (figures.all.k, figures.all.n) == (k, 1)


@pytest.mark.parametrize(
    ("seconds", "n"), [(-1, 0), (0, 1), (1, 1), (WEEK.total_seconds() - 1, 1), (WEEK.total_seconds(), 0)]
)
def test_an_install_belongs_to_the_window_of_its_deadline(rows: Rows, ago: Ago, judge, seconds: float, n: int) -> None:
    rows.installed(ago(days=8) + timedelta(seconds=seconds), claimed=5, synced=60)

    assert judge().sync_success.all.n == n


def test_an_install_younger_than_its_deadline_is_not_judged_yet(rows: Rows, ago: Ago, judge) -> None:
    rows.installed(ago(hours=2), claimed=5, synced=60)

    figures = judge().sync_success

    assert (figures.all.n, figures.unjudged) == (0, 1)


@pytest.mark.parametrize(("left", "n"), [(86_399, 0), (86_400, 0), (86_401, 1)])
def test_an_install_withdrawn_before_success_counts_only_when_it_left_after_the_deadline(
    rows: Rows, ago: Ago, judge, left: int, n: int
) -> None:
    rows.installed(ago(days=3), claimed=5, left=left)

    assert (judge().sync_success.all.k, judge().sync_success.all.n) == (0, n)


def test_an_install_synced_and_then_uninstalled_stays_good(rows: Rows, ago: Ago, judge) -> None:
    rows.installed(ago(days=3), claimed=5, synced=60, left=3600)

    assert (judge().sync_success.all.k, judge().sync_success.all.n) == (1, 1)


def test_installs_from_before_we_watched_count_in_nothing(rows: Rows, ago: Ago, judge) -> None:
    rows.installed(ago(days=3), synced=60, watched=False)

    said = judge()

    assert (said.sync_success.all.n, said.pick_up.all.n, said.time_to_sync.all.n, said.ledger.installs) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("before", "after", "n"),
    [(Hold.FROZEN, None, 0), (None, Hold.FROZEN, 1), (Hold.STOPPED, None, 1), (Hold.SCOPE, Hold.STOPPED, 0)],
)
def test_a_miss_is_the_merchants_when_blocked_by_them_at_the_deadline(
    rows: Rows, ago: Ago, judge, *, before: Hold | None, after: Hold | None, n: int
) -> None:
    shop_id = rows.installed(ago(days=3), claimed=5)
    rows.hold(shop_id, ago(days=2, minutes=1), before)
    rows.hold(shop_id, ago(days=2) + timedelta(seconds=1), after)

    figures = judge().sync_success

    assert (figures.all.n, figures.addressable.n) == (1, n)


def test_a_hold_that_was_over_at_the_deadline_does_not_excuse(rows: Rows, ago: Ago, judge) -> None:
    shop_id = rows.installed(ago(days=3), claimed=5)
    rows.hold(shop_id, ago(days=2, hours=3), Hold.REAUTHORISE)
    rows.hold(shop_id, ago(days=2), None)

    assert judge().sync_success.addressable.n == 1


@pytest.mark.parametrize(
    ("outcome", "k"), [("failed", 0), ("orphaned", 0), ("stolen", 0), ("released", 1), ("cancelled", 1)]
)
def test_a_first_attempt_success_had_no_failure_before_it(rows: Rows, ago: Ago, judge, outcome: str, k: int) -> None:
    shop_id = rows.installed(ago(days=3), claimed=5, synced=600)
    rows.attempt(shop_id, ago(days=3) + timedelta(seconds=300), outcome)
    rows.attempt(shop_id, ago(days=1), "failed")

    figures = judge().sync_success

    assert (figures.all.k, figures.first_attempt.k, figures.first_attempt.n) == (1, k, 1)


@pytest.mark.parametrize(("seconds", "k"), [(779, 1), (780, 1), (781, 0)])
def test_a_pick_up_counts_when_claimed_by_anybody_by_its_deadline(
    rows: Rows, ago: Ago, judge, seconds: int, k: int
) -> None:
    rows.installed(ago(days=3), claimed=seconds)

    figures = judge().pick_up

    assert (figures.all.k, figures.all.n) == (k, 1)
    assert figures.all.verdict == ("MET" if k else "BREACHED")


def test_each_late_pick_up_is_named_the_longest_first(rows: Rows, ago: Ago, judge) -> None:
    rows.profile(rows.installed(ago(days=3), claimed=900), "Alder & Ash")
    rows.profile(rows.installed(ago(days=2)), "Old Mill Coffee")
    rows.installed(ago(days=2), claimed=10)

    late = judge().pick_up.late

    assert [(each.name, each.seconds) for each in late] == [("Old Mill Coffee", 2 * 86_400.0), ("Alder & Ash", 900.0)]


def test_an_install_withdrawn_before_anybody_could_take_it_is_no_miss(rows: Rows, ago: Ago, judge) -> None:
    rows.installed(ago(days=3), left=60)

    assert judge().pick_up.all.n == 0


def test_overdue_shops_are_counted_beside_the_pick_ups(rows: Rows, ago: Ago, judge) -> None:
    rows.shop(status=Status.PENDING, due_at=ago(minutes=11))

    assert judge().pick_up.overdue_now == 1


def test_time_to_sync_counts_those_still_waiting_at_their_present_age(rows: Rows, ago: Ago, judge) -> None:
    for seconds in (60, 120):
        rows.installed(ago(days=2), claimed=5, synced=seconds, path="onboarding")
    rows.installed(ago(minutes=50), claimed=5, path="wake")

    times = judge().time_to_sync

    assert (times.all.n, times.all.finished, times.all.waiting, times.all.mean) == (3, 2, 1, 90.0)
    assert (times.all.p50, times.all.p95, times.all.under_target) == (120.0, 3000.0, 2)
    assert times.all.restricted_mean == pytest.approx((60 + 120 + 3000) / 3)
    assert (times.by_path["onboarding"].n, times.by_path["wake"].waiting, times.by_path["sweep"].n) == (2, 1, 0)
    assert times.worst is not None
    assert times.worst.seconds == 3000


@pytest.mark.parametrize(("seconds", "late"), [(86_399, 0), (86_400, 0), (86_401, 1)])
def test_an_install_is_watched_for_a_day_and_what_comes_later_changes_nothing(
    rows: Rows, ago: Ago, judge, seconds: int, late: int
) -> None:
    rows.installed(ago(days=3), claimed=5, synced=seconds)

    times = judge().time_to_sync

    assert (times.all.late, times.all.waiting, times.all.finished, times.all.p50) == (
        late,
        0,
        1 - late,
        min(seconds, 86_400),
    )
    assert times.worst is not None
    assert times.worst.seconds == seconds


def test_a_shop_that_the_app_had_synced_itself_was_picked_up(rows: Rows, ago: Ago, judge) -> None:
    rows.installed(ago(days=3), synced=60)

    assert (judge().pick_up.all.k, judge().pick_up.late) == (1, ())


def test_what_came_after_the_windows_end_had_not_come_yet(rows: Rows, ago: Ago, judge) -> None:
    rows.installed(ago(days=7, minutes=1), claimed=5, synced=120)

    times = judge(until=ago(days=7)).time_to_sync.all

    assert (times.n, times.finished, times.waiting, times.p50) == (1, 0, 1, 60.0)


def test_a_negative_duration_is_shown_as_an_error_and_in_no_figure(rows: Rows, ago: Ago, judge) -> None:
    rows.installed(ago(days=2), claimed=5, synced=-1)

    times = judge().time_to_sync

    assert (times.negative, times.all.n) == (1, 0)


@pytest.mark.parametrize(
    ("trigger", "path"),
    [
        *((Trigger.ONBOARDING, "onboarding"), (Trigger.SWEEP, "sweep"), (Trigger.WAKE, "wake")),
        *((Trigger.MANUAL, "manual"), (Trigger.API, "manual"), (Trigger.CLI, "manual")),
        *((Trigger.RETRY, "wake"), (Trigger.REFRESH, "wake"), (Trigger.PROBE, "wake"), (Trigger.WEBHOOK, "wake")),
    ],
)
def test_each_trigger_belongs_to_one_of_four_paths(rows: Rows, ago: Ago, judge, trigger: Trigger, path: str) -> None:
    rows.installed(ago(days=2), claimed=5, synced=60, path=trigger.value)

    said = judge()

    assert said.time_to_sync.by_path[path].n == 1
    assert said.ledger.classes[path] == 1


def test_a_slot_without_a_tick_counts_against_us_by_the_readers_clock(rows: Rows, ago: Ago, judge) -> None:
    for minutes in (60, 55, 50):
        rows.sweep(ago(minutes=minutes))

    swept = judge().sweep_success

    assert (swept.all.k, swept.all.n, swept.missed, swept.failed) == (3, 12, 9, 0)


def test_the_slot_in_which_we_were_first_switched_on_is_not_whole(rows: Rows, ago: Ago, judge) -> None:
    rows.sweep(ago(minutes=13))
    rows.sweep(ago(minutes=10))
    rows.sweep(ago(minutes=5))

    swept = judge().sweep_success

    assert (swept.all.k, swept.all.n) == (2, 2)


@pytest.mark.parametrize(
    ("values", "k"),
    [
        ({}, 1),
        ({"error": "OperationalError"}, 0),
        ({"ended_at": None}, 0),
        ({"took": 300}, 1),
        ({"took": 301}, 0),
    ],
)
def test_a_slot_is_good_when_a_tick_begun_in_it_ended_well(
    rows: Rows, ago: Ago, judge, values: dict[str, Any], k: int
) -> None:
    if "took" in values:
        values = {"ended_at": ago(minutes=10) + timedelta(seconds=values["took"])}
    rows.sweep(ago(minutes=10), **values)

    swept = judge(timedelta(minutes=10), until=ago(minutes=5)).sweep_success

    assert (swept.all.k, swept.all.n, swept.failed) == (k, 1, 1 - k)


def test_two_schedulers_count_a_slot_once_and_any_good_tick_saves_it(rows: Rows, ago: Ago, judge) -> None:
    rows.sweep(ago(minutes=10), error="OperationalError", slot=1)
    rows.sweep(ago(minutes=9), slot=None)
    rows.sweep(ago(minutes=8), slot=None)
    rows.sweep(ago(minutes=5))

    swept = judge().sweep_success

    assert (swept.all.k, swept.all.n) == (2, 2)


def test_a_changed_period_counts_from_the_tick_that_carried_it(rows: Rows, ago: Ago, judge) -> None:
    for minutes in (20, 15):
        rows.sweep(ago(minutes=minutes), period_seconds=60)
    rows.sweep(ago(minutes=10))
    rows.sweep(ago(minutes=5))

    swept = judge().sweep_success

    assert (swept.all.n, swept.all.k) == (10 + 2, 2 + 2)


def test_the_budget_of_90_days_is_in_whole_shops(rows: Rows, ago: Ago, judge) -> None:
    for nth in range(120):
        rows.installed(ago(days=60, minutes=nth), claimed=5, synced=60)
    rows.installed(ago(days=3), claimed=5)

    budget = judge().sync_success.all.budget

    assert budget is not None
    assert (budget.n, budget.allowed, budget.spent, budget.left) == (121, 1, 1, 0)


def test_the_ledger_puts_every_install_in_one_class(rows: Rows, ago: Ago, judge) -> None:
    rows.installed(ago(days=2), synced=60, path="onboarding")
    states: dict[str, dict[str, Any]] = {
        "waiting": {"status": Status.PENDING, "due_at": ago(minutes=-3)},
        "overdue": {"status": Status.PENDING, "due_at": ago(minutes=11)},
        "retrying": {"status": Status.FAILED, "failures": 2, "due_at": ago(minutes=-1)},
        "held": {"status": Status.FAILED, "hold": Hold.SCOPE},
        "uninstalled": {"status": Status.FAILED, "hold": Hold.UNINSTALLED},
    }
    for values in states.values():
        rows.install(rows.shop(**values), ago(days=1))
    rows.install(rows.shop(generation=2), ago(days=1))

    ledger = judge().ledger

    assert ledger.classes == {
        **dict.fromkeys(CLASSES, 0),
        "onboarding": 1,
        **dict.fromkeys(states, 1),
        "uninstalled": 2,
    }
    assert (ledger.installs, ledger.gap) == (7, 0)


@pytest.mark.parametrize(
    "values",
    [
        {"status": Status.PENDING},
        {"status": Status.FAILED, "failures": 1},
        {"status": Status.IN_PROGRESS, "due_at": None},
        {"status": Status.COMPLETED},
    ],
)
def test_an_unsynced_install_that_nothing_will_start_is_a_gap(
    rows: Rows, ago: Ago, judge, values: dict[str, Any]
) -> None:
    rows.installed(ago(days=2), synced=60, path="onboarding")
    rows.install(rows.shop(**values), ago(days=1))

    ledger = judge().ledger

    assert (ledger.installs, ledger.gap, ledger.classes["lost"]) == (2, 1, 1)


def test_each_class_of_the_ledger_leads_to_its_shops(
    rows: Rows, ago: Ago, judge, session: Session, now: datetime
) -> None:
    asleep = {"status": Status.FAILED, "due_at": ago(minutes=-1)}
    for nth, values in enumerate((asleep | {"failures": 2}, asleep | {"hold": Hold.SCOPE}, {"status": Status.FAILED})):
        rows.install(rows.shop(f"unsynced-{nth}", **values), ago(days=1 + nth))
    for path in ("onboarding", "wake", "sweep", "cli"):
        rows.installed(ago(days=1), synced=60, path=path)
    rows.install(rows.shop("again", generation=2), ago(days=2))
    rows.install("id-again", ago(hours=1), generation=2, synced=60, path="probe")
    rows.installed(ago(days=30), synced=60, path="sweep")

    ledger = judge().ledger

    since = now - WEEK
    found = {name: health.search(session, now=now, entered=health.Entered(name, since, now)).total for name in CLASSES}
    assert found == ledger.classes
    assert (sum(found.values()), ledger.gap) == (9, 1)


def test_the_json_has_the_documented_shape(rows: Rows, ago: Ago, report: Callable[[], dict[str, Any]]) -> None:
    rows.installed(ago(days=3), claimed=5, synced=61.5, path="wake")
    rows.sweep(ago(minutes=10))

    said = report()

    counts = {"k": 1, "n": 1}
    assert said["window"] == {"from": "2026-10-26T09:30:00Z", "to": "2026-11-02T09:30:00Z"}
    assert said["objectives"]["sync_success"] == {
        "target": 0.99,
        "value": 1.0,
        "low": 0.2065,
        "high": 1.0,
        "verdict": "UNDECIDED",
        **counts,
        "addressable": counts,
        "first_attempt": counts,
    }
    assert set(said["objectives"]["pick_up"]) == {"target", "k", "n", "value", "low", "high", "verdict", "overdue_now"}
    assert set(said["objectives"]["sweep_success"]) >= {"missed", "failed"}
    assert said["objectives"]["time_to_sync"]["by_path"]["wake"]["p50"] == 61.0
    assert said["ledger"]["classes"]["wake"] == 1
