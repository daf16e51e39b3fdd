"""The arithmetic of the objectives, at its edges."""

from __future__ import annotations

import math
import statistics
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_core import slo
from sync_core.slo import Duration, Verdict


def test_nothing_judged_is_no_data_and_never_a_percentage() -> None:
    judged = slo.judge(0, 0, target=0.99)

    assert judged.verdict is Verdict.NO_DATA
    assert (judged.value, judged.low, judged.high) == (None, None, None)
    assert judged.needed == 381


def test_150_of_150_is_undecided_and_says_how_many_are_needed() -> None:
    judged = slo.judge(150, 150, target=0.99)

    assert judged.verdict is Verdict.UNDECIDED
    assert judged.needed == 381
    assert (judged.value, judged.high) == (1.0, 1.0)
    assert judged.low == pytest.approx(0.9750, abs=1e-4)


@pytest.mark.parametrize(
    ("k", "n", "verdict"),
    [
        (380, 380, Verdict.UNDECIDED),
        (381, 381, Verdict.MET),
        (561, 562, Verdict.UNDECIDED),
        (562, 563, Verdict.MET),
        (149, 150, Verdict.UNDECIDED),
        (95, 100, Verdict.BREACHED),
        (0, 1, Verdict.BREACHED),
        (1, 1, Verdict.UNDECIDED),
    ],
)
def test_a_share_is_met_or_breached_only_when_its_interval_lies_on_one_side(k: int, n: int, verdict: Verdict) -> None:
    assert slo.judge(k, n, target=0.99).verdict is verdict


@pytest.mark.parametrize(
    ("k", "n", "verdict", "needed"),
    [
        (0, 0, Verdict.NO_DATA, 1),
        (1, 1, Verdict.MET, 1),
        (150, 150, Verdict.MET, 1),
        (149, 150, Verdict.BREACHED, None),
        (0, 1, Verdict.BREACHED, None),
    ],
)
def test_a_target_of_all_is_breached_by_the_first_miss(k: int, n: int, verdict: Verdict, needed: int | None) -> None:
    judged = slo.judge(k, n, target=1)

    assert (judged.verdict, judged.needed) == (verdict, needed)


@pytest.mark.parametrize(("missed", "target", "needed"), [(0, 0.99, 381), (1, 0.99, 563), (0, 0.95, 73), (2, 0.5, 11)])
def test_the_number_needed_is_the_smallest_that_promises_the_target(missed: int, target: float, needed: int) -> None:
    assert slo.enough(missed, target=target) == needed
    assert slo.wilson(needed - missed, needed)[0] >= target
    assert slo.wilson(needed - 1 - missed, needed - 1)[0] < target


@pytest.mark.parametrize(("k", "n"), [(-1, 1), (2, 1), (0, 0)])
def test_an_interval_of_impossible_counts_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= k <= n"):
        slo.wilson(k, n)


@pytest.mark.parametrize(("k", "n", "target"), [(2, 1, 0.9), (-1, 1, 0.9), (1, 1, 0.0), (1, 1, 1.1)])
def test_a_judgement_of_impossible_counts_is_refused(k: int, n: int, target: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        slo.judge(k, n, target=target)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_in_0_to_1(counts: tuple[int, int]) -> None:
    low, high = slo.wilson(*counts)

    assert 0 <= low <= counts[0] / counts[1] <= high <= 1


def test_the_interval_of_half_is_wilsons() -> None:
    low, high = slo.wilson(5, 10)

    assert (low, high) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))


@pytest.mark.parametrize(
    ("n", "target", "allowed"), [(150, 0.99, 1), (99, 0.99, 0), (100, 0.99, 1), (0, 0.99, 0), (20, 0.95, 1), (9, 1, 0)]
)
def test_the_budget_is_whole_shops(n: int, target: float, allowed: int) -> None:
    assert slo.budget(n, target=target) == allowed


def test_the_mean_of_three_finished_is_the_plain_mean_with_students_interval() -> None:
    mean = slo.restricted_mean({60: 1, 70: 1, 80: 1}, {})

    assert (mean.n, mean.mean) == (3, pytest.approx(70.0))
    half = 4.303 * statistics.stdev([60, 70, 80]) / math.sqrt(3)
    assert (mean.low, mean.high) == (pytest.approx(70 - half), pytest.approx(70 + half))


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        ((60, 70, 80), Verdict.MET),
        ((290, 291, 292), Verdict.MET),
        ((60, 70, 400), Verdict.UNDECIDED),
        ((280, 300, 320), Verdict.UNDECIDED),
        ((400, 410, 420), Verdict.BREACHED),
    ],
)
def test_a_mean_of_three_installs_is_judged_only_when_they_agree(seconds: tuple[int, ...], verdict: Verdict) -> None:
    mean = slo.restricted_mean(dict.fromkeys(seconds, 1), {})

    assert slo.judge_mean(mean, target_seconds=300) is verdict


def test_three_installs_of_which_one_still_waits_promise_nothing() -> None:
    mean = slo.restricted_mean({60: 1, 70: 1}, {700: 1})

    assert slo.judge_mean(mean, target_seconds=300) is Verdict.UNDECIDED


@given(st.lists(st.integers(0, 86_399), min_size=2, max_size=60))
def test_with_nobody_waiting_the_restricted_mean_is_the_plain_one(seconds: list[int]) -> None:
    mean = slo.restricted_mean({at: seconds.count(at) for at in seconds}, {})

    half = slo.student(len(seconds) - 1) * statistics.stdev(seconds) / math.sqrt(len(seconds))
    assert mean.mean == pytest.approx(statistics.mean(seconds))
    assert mean.low == pytest.approx(max(0.0, statistics.mean(seconds) - half), abs=1e-3)
    assert mean.high == pytest.approx(min(86_400.0, statistics.mean(seconds) + half), abs=1e-3)


def test_one_waiting_among_finished_raises_the_mean_as_kaplan_and_meier_say() -> None:
    mean = slo.restricted_mean({10: 1, 30: 1}, {20: 1})

    assert mean.mean == pytest.approx(10 + 20 * 2 / 3)


def test_one_still_waiting_longest_leaves_the_mean_open_upwards() -> None:
    mean = slo.restricted_mean({60: 150}, {600: 1})

    assert mean.mean == pytest.approx(60 + 540 / 151)
    assert mean.high is not None
    assert mean.high > 60 + (86_400 - 60) / 151
    assert slo.judge_mean(mean, target_seconds=300) is Verdict.UNDECIDED


def test_a_time_beyond_the_cap_counts_as_the_cap() -> None:
    beyond, waiting = slo.restricted_mean({60: 3, 90_000: 1}, {}), slo.restricted_mean({60: 3}, {200_000: 1})

    assert beyond == waiting
    assert beyond.mean == pytest.approx((3 * 60 + 86_400) / 4)


@pytest.mark.parametrize(
    ("ended", "waiting", "mean"), [({40: 1}, {}, 40.0), ({}, {40: 2}, 40.0), ({0: 1}, {9: 1}, 4.5)]
)
def test_fewer_than_two_finished_promise_nothing(ended: dict[int, int], waiting: dict[int, int], mean: float) -> None:
    found = slo.restricted_mean(ended, waiting)

    assert (found.mean, found.low, found.high) == (pytest.approx(mean), 0.0, 86_400.0)
    assert slo.judge_mean(found, target_seconds=300) is Verdict.UNDECIDED


def test_the_mean_of_nothing_is_no_data() -> None:
    mean = slo.restricted_mean({}, {})

    assert mean == Duration(0, None, None, None)
    assert slo.judge_mean(mean, target_seconds=300) is Verdict.NO_DATA


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (100, 299.9, Verdict.MET),
        (100, 300, Verdict.UNDECIDED),
        (299.9, 400, Verdict.UNDECIDED),
        (300, 400, Verdict.BREACHED),
    ],
)
def test_a_mean_is_judged_by_its_whole_interval(low: float, high: float, verdict: Verdict) -> None:
    assert slo.judge_mean(Duration(9, (low + high) / 2, low, high), target_seconds=300) is verdict


@pytest.mark.parametrize(("freedom", "width"), [(1, 12.706), (30, 2.042), (31, 1.96)])
def test_students_width_narrows_to_the_normal_one(freedom: int, width: float) -> None:
    assert slo.student(freedom) == width


@pytest.mark.parametrize(("share", "seconds"), [(0.5, 2), (0.95, 4), (0.75, 3), (0.76, 4), (1, 4), (0.01, 1)])
def test_a_percentile_is_the_nearest_rank(share: float, seconds: int) -> None:
    assert slo.percentile({1: 1, 2: 1, 3: 1, 4: 1}, share) == seconds


def test_a_percentile_of_nothing_is_none() -> None:
    assert slo.percentile({}, 0.5) is None
    assert slo.percentile({7: 0}, 0.5) is None


@pytest.mark.parametrize("share", [0, 1.01])
def test_an_impossible_percentile_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="expected 0 < share <= 1"):
        slo.percentile({1: 1}, share)


def test_a_time_of_exactly_the_target_is_not_under_it() -> None:
    assert slo.under({299: 2, 300: 1, 301: 1}, target_seconds=300) == 2


@pytest.mark.parametrize(
    ("hours", "n", "days"),
    [(24, 30, 1), (24, 29, 90), (25, 30, 7), (7 * 24 + 1, 30, 30), (2000, 30, 90), (91 * 24, 99, 90)],
)
def test_the_window_is_the_shortest_that_holds_30_installs(hours: int, n: int, days: int) -> None:
    assert slo.window([timedelta(hours=hours)] * n) == timedelta(days=days)


EPOCH = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "slots"), [(-1, -1), (0, 0), (299, 0), (300, 1)])
def test_a_moment_lies_in_the_slot_that_began_last(seconds: int, slots: int) -> None:
    later = EPOCH + timedelta(seconds=seconds)

    assert slo.slot_of(later, 300) - slo.slot_of(EPOCH, 300) == slots


@pytest.mark.parametrize(
    ("begin", "end", "n"), [(0, 600, 2), (1, 600, 1), (0, 599, 1), (-1, 601, 2), (1, 599, 0), (1, 2, 0), (600, 0, 0)]
)
def test_only_whole_slots_of_a_window_are_expected(begin: int, end: int, n: int) -> None:
    since, until = EPOCH + timedelta(seconds=begin), EPOCH + timedelta(seconds=end)

    assert len(slo.whole_slots(since, until, period_seconds=300)) == n
