"""Every figure counted again, one event at a time: shares no line with the product."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from math import ceil, floor, sqrt
from typing import Any

from tests.recount.lives import Episode, Life, World

DAY = timedelta(hours=24)
MERCHANTS = {"frozen", "locked", "scope", "reauthorise", "gone"}
PATHS = {"onboarding": "onboarding", "sweep": "sweep", "manual": "manual", "api": "manual", "cli": "manual"}


def recount(world: World, since: datetime, until: datetime, period: float) -> dict[str, Any]:
    """What health.objectives must say of [since, until), as plain values."""
    end = min(until, world.now)
    watched = [each for each in world.episodes if each.watched]
    quarter = success(watched, end - timedelta(days=90), end)
    return {
        "success": success(watched, since, end),
        "spent": quarter["n"] - quarter["k"],
        "allowed": floor(quarter["n"] / 100),
        "unjudged": sum(since <= e.installed < end <= e.success_deadline for e in watched),
        "pick_up": pick_up(watched, since, end),
        "overdue": sum(overdue(life, world.now) for life in world.lives),
        "times": times(watched, since, end),
        "slots": slots(world, since, end, period),
        "ledger": ledger(world, since, end),
        "failures": failures(world, since, until),
    }


def by(moment: datetime | None, deadline: datetime) -> bool:
    return moment is not None and moment <= deadline


def before(moment: datetime, other: datetime | None) -> bool:
    return other is None or other > moment


def success(episodes: list[Episode], since: datetime, end: datetime) -> dict[str, int]:
    found: Counter[str] = Counter(n=0, k=0, first=0, blocked=0)
    for each in episodes:
        deadline = each.success_deadline
        if not since <= deadline < end:
            continue
        if each.left is not None and each.left <= deadline and before(each.left, each.synced):
            continue
        found["n"] += 1
        if by(each.synced, deadline):
            found["k"] += 1
            spoiled = [ended for ended, outcome, _ in each.tries if outcome in ("failed", "orphaned", "stolen")]
            found["first"] += not any(ended <= each.synced for ended in spoiled)
        else:
            holds = [hold for at, hold in each.holds if at <= deadline]
            found["blocked"] += bool(holds) and holds[-1] in MERCHANTS
    return dict(found)


def pick_up(episodes: list[Episode], since: datetime, end: datetime) -> dict[str, Any]:
    n, late = 0, []
    for each in episodes:
        deadline = each.pickup_deadline
        if not since <= deadline < end:
            continue
        if each.left is not None and each.left <= deadline and before(each.left, each.claimed):
            continue
        n += 1
        if not by(each.claimed, deadline) and not by(each.synced, deadline):
            late.append(((each.claimed or end) - each.installed) // timedelta(seconds=1))
    return {"n": n, "k": n - len(late), "late": sorted(late, reverse=True)[:20]}


def overdue(life: Life, now: datetime) -> bool:
    return life.due is not None and now - life.due > timedelta(minutes=10) and life.priority < 2 and not life.hold


def times(episodes: list[Episode], since: datetime, end: datetime) -> dict[str, Any]:
    inside = [each for each in episodes if since <= each.installed < end]
    fates = [(each, *fate(each, end)) for each in inside]
    counted = [(each, kind, seconds) for each, kind, seconds in fates if kind != "negative"]
    paths = {"onboarding", "wake", "sweep", "manual"}
    by_path = {p: figures([(k, s) for e, k, s in counted if path(e, k) == p]) for p in paths}
    return {
        "all": figures([(kind, seconds) for _, kind, seconds in counted]),
        "paths": by_path,
        "negative": len(fates) - len(counted),
        "slowest": max((slowness(each, end) for each, *_ in counted if each.left is None or each.synced), default=None),
    }


def fate(each: Episode, end: datetime) -> tuple[str, int]:
    """(kind, whole seconds) of the first day of an install, as known at `end`."""
    if (each.synced and each.synced < each.installed) or (each.left and each.left < each.installed):
        return "negative", 0
    day = each.installed + DAY
    if each.synced and each.synced <= day and each.synced < end:
        return "finished", (each.synced - each.installed) // timedelta(seconds=1)
    if each.left and each.left <= day and each.left < end:
        return "left", (each.left - each.installed) // timedelta(seconds=1)
    if day <= end:
        return "late", 86_400
    return "waiting", (end - each.installed) // timedelta(seconds=1)


def finished_in(
    world: World, since: datetime, until: datetime, end: datetime
) -> tuple[int, float | None, float | None]:
    """(n, p50, p95) of the watched installs of [since, until) that had their data in time, as known at `end`."""
    inside = [each for each in world.episodes if each.watched and since <= each.installed < until]
    took = sorted(seconds for kind, seconds in (fate(each, end) for each in inside) if kind == "finished")
    n = len(took)
    return n, took[ceil(n * 0.5) - 1] if n else None, took[ceil(n * 95 / 100) - 1] if n else None


def slowness(each: Episode, end: datetime) -> int:
    return ((each.synced or end) - each.installed) // timedelta(seconds=1)


def path(each: Episode, kind: str) -> str | None:
    if each.path is None:
        return "wake" if kind == "finished" else None
    return PATHS.get(each.path, "wake")


def figures(fates: list[tuple[str, int]]) -> dict[str, Any]:
    finished = sorted(seconds for kind, seconds in fates if kind == "finished")
    ages = sorted(seconds for kind, seconds in fates if kind != "left")
    n, under = len(ages), sum(seconds < 300 for seconds in ages)
    return {
        "n": n,
        "finished": len(finished),
        "waiting": sum(kind == "waiting" for kind, _ in fates),
        "late": sum(kind == "late" for kind, _ in fates),
        "mean": sum(finished) / len(finished) if finished else None,
        "restricted": restricted(fates),
        "p50": ages[ceil(n * 0.5) - 1] if n else None,
        "p95": ages[ceil(n * 95 / 100) - 1] if n else None,
        "p99": ages[ceil(n * 99 / 100) - 1] if n else None,
        "under": under,
        "share": under / n if n else None,
    }


def restricted(fates: list[tuple[str, int]]) -> float | None:
    """The area under the product-limit curve, up to the longest seen, at most a day."""
    if not fates:
        return None
    capped = [(min(seconds, 86_400), kind == "finished" and seconds < 86_400) for kind, seconds in fates]
    share, area, last = 1.0, 0.0, 0
    for moment in sorted({seconds for seconds, _ in capped}):
        area += share * (moment - last)
        at_risk = sum(seconds >= moment for seconds, _ in capped)
        share *= 1 - sum(seconds == moment and ended for seconds, ended in capped) / at_risk
        last = moment
    return area


def slots(world: World, since: datetime, end: datetime, period: float) -> dict[str, int]:
    """Each slot by itself: expected under the period in force, begun, gone well."""
    stretches = stretches_of(world, period)
    expected = begun = good = 0
    for (start, length), stop in zip(stretches, [*(s for s, _ in stretches[1:]), end], strict=True):
        number = ceil(max(start, since).timestamp() / length)
        while (number + 1) * length <= min(stop, end).timestamp():
            begin, finish = number * length, (number + 1) * length
            number += 1
            if any(a.timestamp() < finish and begin < b.timestamp() for a, b in world.maintenance):
                continue
            inside = [t for t in world.ticks if begin <= t.begun.timestamp() < finish]
            expected += 1
            begun += bool(inside)
            good += any(t.ended and not t.error and t.ended - t.begun <= timedelta(seconds=length) for t in inside)
    return {"n": expected, "k": good, "missed": expected - begun, "failed": begun - good}


def stretches_of(world: World, period: float) -> list[tuple[datetime, float]]:
    found: list[tuple[datetime, float]] = []
    for tick in sorted(world.ticks, key=lambda tick: tick.begun):
        if not found or found[-1][1] != tick.period:
            found.append((tick.begun, tick.period))
    if found and found[-1][1] != period:
        found.append((max(tick.begun for tick in world.ticks), period))
    return found


def ledger(world: World, since: datetime, end: datetime) -> dict[str, int]:
    found: Counter[str] = Counter()
    for life in world.lives:
        for each in life.episodes:
            if each.watched and since <= each.installed < end:
                found[standing(life, each, world.now)] += 1
    return dict(found)


def standing(life: Life, each: Episode, now: datetime) -> str:
    if each.synced is not None:
        return PATHS.get(each.path or "", "wake")
    if each.left is not None or each.generation < len(life.episodes) or life.hold == "uninstalled":
        return "uninstalled"
    if life.hold is not None:
        return "held"
    if overdue(life, now):
        return "overdue"
    if life.due is None:
        return "lost"
    return "retrying" if life.failures else "waiting"


def failures(world: World, since: datetime, until: datetime) -> dict[str, tuple[int, int, int]]:
    """Error class → (failed, healed, open)."""
    found: dict[str, list[int]] = {}
    for life in world.lives:
        for each in life.episodes:
            for ended, outcome, error in each.tries:
                if outcome not in ("failed", "orphaned") or not since <= ended < until:
                    continue
                row = found.setdefault(error if outcome == "failed" and error else outcome, [0, 0, 0])
                still = each is life.episodes[-1] and life.failing_since is not None and ended >= life.failing_since
                row[0] += 1
                row[1] += not still
                row[2] += still and life.hold != "uninstalled"
    return {error: (row[0], row[1], row[2]) for error, row in found.items()}


def interval(k: int, n: int) -> tuple[float, float]:
    """Wilson's, by solving its quadratic."""
    z, p = 1.96, k / n
    a, b, c = 1 + z * z / n, -(2 * p + z * z / n), p * p
    root = sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
