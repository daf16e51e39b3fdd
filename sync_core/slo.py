"""Arithmetic of objectives: intervals, verdicts, budgets, times with some still waiting.

Pure: standard library only, imports nothing of the project. Sources: Wilson (1927) for a share's interval,
Kaplan and Meier (1958) for times of which some have not ended, Greenwood (1926) for its variance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

Z = 1.96
"""Two-sided 95 %."""

DAY_SECONDS = 86_400
ENOUGH_INSTALLS = 30
WINDOWS = (timedelta(hours=24), timedelta(days=7), timedelta(days=30), timedelta(days=90))


class Verdict(StrEnum):
    """What a figure lets us promise."""

    MET = "MET"
    BREACHED = "BREACHED"
    UNDECIDED = "UNDECIDED"
    NO_DATA = "NO_DATA"


@dataclass(frozen=True)
class Judged:
    """`k` good of `n`, with its 95 % interval; shares in 0..1, None when n is 0."""

    k: int
    n: int
    target: float
    value: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    needed: int | None
    """The size at which the target is promised if no more fail; None when it cannot be (target 100 %, one missed)."""


def wilson(k: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, `k` good of `n`. Errors: ValueError unless 0 <= k <= n and n >= 1."""
    if not 0 <= k <= n or n < 1:
        raise ValueError(f"expected 0 <= k <= n and n >= 1, not k={k}, n={n}")
    share, square = k / n, Z * Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return (0.0 if k == 0 else middle - half), (1.0 if k == n else middle + half)


def judge(k: int, n: int, *, target: float) -> Judged:
    """The verdict on `k` good of `n` against a target share in (0, 1].

    Target 1: MET when none is missed, BREACHED by the first miss. Else by the interval, which must lie on one side.
    Errors: ValueError unless 0 <= k <= n and 0 < target <= 1.
    """
    if not 0 <= k <= n or not 0 < target <= 1:
        raise ValueError(f"expected 0 <= k <= n and 0 < target <= 1, not k={k}, n={n}, target={target}")
    needed = enough(n - k, target=target)
    if n == 0:
        return Judged(0, 0, target, None, None, None, Verdict.NO_DATA, needed)
    low, high = wilson(k, n)
    return Judged(k, n, target, k / n, low, high, _verdict(k, n, target, low, high), needed)


def _verdict(k: int, n: int, target: float, low: float, high: float) -> Verdict:
    if target == 1:
        return Verdict.MET if k == n else Verdict.BREACHED
    if low >= target:
        return Verdict.MET
    return Verdict.BREACHED if high < target else Verdict.UNDECIDED


def enough(missed: int, *, target: float) -> int | None:
    """The smallest n at which `missed` of n still promises the target: 381 for 0 at 99 %, 563 for 1.

    None: never (target 1 with a miss).
    """
    if target == 1:
        return None if missed else 1
    small, large = max(missed, 1), max(missed, 1)
    while wilson(large - missed, large)[0] < target:
        small, large = large, large * 2
    while small < large:
        half = (small + large) // 2
        small, large = (small, half) if wilson(half - missed, half)[0] >= target else (half + 1, large)
    return small


def budget(n: int, *, target: float) -> int:
    """How many of `n` may fail: floor(n x (1 - target)), exact for a decimal target (150 at 0.99: 1)."""
    return math.floor(n * (1 - Fraction(str(target))))


@dataclass(frozen=True)
class Duration:
    """A restricted mean in seconds with its 95 % interval; `n` counts both kinds."""

    n: int
    mean: float | None
    low: float | None
    high: float | None


def restricted_mean(
    ended: Mapping[int, int], waiting: Mapping[int, int], *, cap_seconds: int = DAY_SECONDS
) -> Duration:
    """Kaplan-Meier mean of min(time, cap): the area under the share still waiting.

    `ended`, `waiting`: whole seconds >= 0 → how many; those waiting count at their present age, at most the cap.
    When the longest is one still waiting, what follows is unknown: mean and low let it end now (Efron), high lets it
    wait until the cap (Gill). Greenwood's variance with the factor d/(d - 1) and Student's t for d ended ones; with
    fewer than two ended ones nothing is known: low 0, high the cap.
    """
    steps = _steps(ended, waiting, cap_seconds)
    n = sum(ended.values()) + sum(waiting.values())
    if not steps:
        return Duration(0, None, None, None)
    d = sum(step.ended for step in steps)
    soon, late = _area(steps, until=steps[-1].at), _area(steps, until=cap_seconds)
    if d < 2:
        return Duration(n, soon.mean, 0.0, float(cap_seconds))
    spread = student(d - 1) * math.sqrt(d / (d - 1))
    low, high = soon.mean - spread * math.sqrt(soon.variance), late.mean + spread * math.sqrt(late.variance)
    return Duration(n, soon.mean, max(0.0, low), min(float(cap_seconds), high))


@dataclass(frozen=True)
class _Step:
    at: int
    ended: int
    at_risk: int


@dataclass(frozen=True)
class _Area:
    mean: float
    variance: float


def _steps(ended: Mapping[int, int], waiting: Mapping[int, int], cap: int) -> list[_Step]:
    """One step per distinct time up to the cap; whoever lasted longer counts as waiting at the cap."""
    ends: dict[int, int] = {at: n for at, n in ended.items() if at < cap and n}
    leaves: dict[int, int] = dict(ends)
    for at, n in [*waiting.items(), *((at, n) for at, n in ended.items() if at >= cap)]:
        if n:
            leaves[min(at, cap)] = leaves.get(min(at, cap), 0) + n
    steps, at_risk = [], sum(leaves.values())
    for at in sorted(leaves):
        steps.append(_Step(at, ends.get(at, 0), at_risk))
        at_risk -= leaves[at]
    return steps


def _area(steps: list[_Step], *, until: int) -> _Area:
    """Area under the curve from 0 to `until`, and Greenwood's variance of it."""
    share, shares = 1.0, []
    for step in steps:
        share *= 1 - step.ended / step.at_risk
        shares.append(share)
    ends = [*(step.at for step in steps[1:]), until]
    after, variance = 0.0, 0.0
    for step, share, end in reversed(list(zip(steps, shares, ends, strict=True))):
        after += share * (end - step.at)
        if step.ended < step.at_risk:
            variance += after**2 * step.ended / (step.at_risk * (step.at_risk - step.ended))
    return _Area(steps[0].at + after, variance)


STUDENT = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""Student's t, two-sided 95 %, for 1 to 30 degrees of freedom."""


def student(freedom: int) -> float:
    """Half the width of a 95 % interval in standard errors, for a mean of `freedom` + 1 values."""
    return STUDENT[freedom - 1] if freedom <= len(STUDENT) else Z


def judge_mean(mean: Duration, *, target_seconds: float) -> Verdict:
    """MET when the whole interval is below the target, BREACHED when none of it is."""
    if mean.low is None or mean.high is None:
        return Verdict.NO_DATA
    if mean.high < target_seconds:
        return Verdict.MET
    return Verdict.BREACHED if mean.low >= target_seconds else Verdict.UNDECIDED


def percentile(times: Mapping[int, int], share: float) -> float | None:
    """The nearest-rank percentile of whole seconds → how many: the smallest time that `share` of them do not exceed.

    None without times. Errors: ValueError unless 0 < share <= 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"expected 0 < share <= 1, not {share}")
    rank, passed = math.ceil(sum(times.values()) * Fraction(str(share))), 0
    for seconds in sorted(times):
        passed += times[seconds]
        if passed >= rank and times[seconds]:
            return float(seconds)
    return None


def under(times: Mapping[int, int], *, target_seconds: float) -> int:
    """How many times are below the target."""
    return sum(n for seconds, n in times.items() if seconds < target_seconds)


def slot_of(moment: datetime, period_seconds: float) -> int:
    """The slot of the schedule that a moment lies in: floor(epoch / period)."""
    return int(moment.timestamp() // period_seconds)


def whole_slots(since: datetime, until: datetime, *, period_seconds: float) -> range:
    """The slots that lie wholly in [since, until)."""
    first = math.ceil(since.timestamp() / period_seconds)
    return range(first, max(first, slot_of(until, period_seconds)))


def window(ages: Iterable[timedelta]) -> timedelta:
    """The shortest of 24 h, 7 d, 30 d, 90 d that holds at least 30 installs, else 90 d; `ages` of the installs."""
    known = list(ages)
    for length in WINDOWS:
        if sum(age <= length for age in known) >= ENOUGH_INSTALLS:
            return length
    return WINDOWS[-1]
