"""Every figure of every window equals a recount of the events, whatever is rolled up by then."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select

from sync_core import health, rollup
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import RollupDuration, RollupHour, RollupMark
from tests.conftest import Clock
from tests.recount.lives import Life, World, id_of, world, write
from tests.recount.recount import finished_in, interval, pick_up, recount, success

SHOPS = 100
WINDOWS = 11
ZONES = ("UTC", "Europe/Stockholm", "Asia/Kolkata", "America/Los_Angeles")


def windows(rng: random.Random, now: datetime) -> list[tuple[datetime, datetime]]:
    """The four of the pages, and others with ragged or whole ends, in the past too."""
    ages = [timedelta(hours=24), timedelta(days=7), timedelta(days=30), timedelta(days=90)]
    found = [(now - age, now) for age in ages]
    while len(found) < WINDOWS:
        until = now - timedelta(seconds=rng.choice([0, 0, 1, 1_800, 5_400, 90_000, 200_123.457]))
        found.append((until - timedelta(seconds=rng.choice([3_600, 30_000, 86_400, 180_000, 333_333.333])), until))
    return found


@pytest.mark.parametrize("seed", range(10))
def test_every_figure_equals_a_recount(sqlite_database: Database, settings: Settings, clock: Clock, seed: int) -> None:
    live_and_compare(sqlite_database, settings, clock, seed)


@pytest.mark.parametrize("engine_name", ["postgresql"])
@pytest.mark.parametrize("seed", [10, 11])
def test_every_figure_equals_a_recount_on_postgresql_too(
    database: Database, settings: Settings, clock: Clock, seed: int
) -> None:
    live_and_compare(database, settings, clock, seed)


def live_and_compare(database: Database, settings: Settings, clock: Clock, seed: int) -> None:
    """Roll up on the way, with what was known then; some shops are adopted late; compare each window at the end."""
    now, rng = clock.moment, random.Random(seed)
    found = world(seed, now, shops=SHOPS)
    again = seed % 5 > 0  # else the hours since the last roll-up are read from the events
    late = found.lives[:5] if again else []
    for hours in sorted(rng.sample(range(1, 100), 3), reverse=True):
        clock.moment = now - timedelta(hours=hours)
        with database.write() as session:
            write(session, found.lives[len(late) :], found.ticks, found.maintenance, until=clock.moment)
        rollup.roll_up(database, settings)
    clock.moment = now
    for life in late:
        adopt(life, now)
    with database.write() as session:
        write(session, found.lives, found.ticks, found.maintenance, until=now)
    if again:
        rollup.roll_up(database, settings)

    memory: dict[Any, Any] = {}
    asked = windows(rng, now)
    for nth, (since, until) in enumerate(asked * 2):
        with database.read() as session:
            said = health.objectives(session, since=since, until=until, now=now, settings=settings, memory=memory)
            failed = health.failures(session, since=since, until=until, memory=memory)
        compare(said, failed, recount(found, since, until, settings.sweep_period_seconds))
        if nth % 2:
            continue  # an odd number of windows: each is told step by step once, with a fresh memory or a warm one
        step = rng.choice(list(health.Step)) if until - since < timedelta(days=8) else health.Step.DAY
        zone = ZoneInfo(rng.choice(ZONES))
        with database.read() as session:
            own: dict[str, Any] = {"step": step, "zone": zone, "settings": settings, "memory": memory}
            points = health.series(session, since=since, until=until, now=now, **own)
        compare_steps(points, found, (since, min(until, now)), said, hourly=step is health.Step.HOUR, zone=zone)


def compare_steps(
    points: tuple[health.Point, ...],
    found: World,
    window: tuple[datetime, datetime],
    said: health.Objectives,
    *,
    hourly: bool,
    zone: ZoneInfo,
) -> None:
    """The steps leave no moment out, begin where they should, and each equals a recount of its own events."""
    ends = [window[0], *(point.until for point in points)]
    assert [point.since for point in points] == ends[:-1]
    assert ends[-1] == window[1]
    local = [point.since.astimezone(zone) for point in points[1:]]
    assert all((at.minute, at.second) == (0, 0) for at in local if at.utcoffset() == timedelta(hours=1))
    assert hourly or all(at.hour == 0 and at.minute <= 30 for at in local)
    for point in points:
        assert (point.sync_success, point.pick_up) == parts(found, point.since, point.until)
        assert (point.finished, point.p50, point.p95) == finished_in(found, point.since, point.until, window[1])
    slots = sum(point.sweep_success.k for point in points), sum(point.sweep_success.n for point in points)
    assert slots == (said.sweep_success.all.k, said.sweep_success.all.n)


def parts(found: World, since: datetime, until: datetime) -> tuple[health.Part, health.Part]:
    watched = [each for each in found.episodes if each.watched]
    kept, started = success(watched, since, until), pick_up(watched, since, until)
    return health.Part(kept["k"], kept["n"]), health.Part(started["k"], started["n"])


def adopt(life: Life, now: datetime) -> None:
    """The app had this shop and nobody of ours had tried it: its installs are written only now."""
    life.failures, life.failing_since = 0, None
    for episode in life.episodes:
        episode.id, episode.tries = id_of(now, episode.shop, episode.generation), []


def compare(said: health.Objectives, failed: Any, true: dict[str, Any]) -> None:
    success, picked, took, swept = said.sync_success, said.pick_up, said.time_to_sync, said.sweep_success
    assert {
        "n": success.all.n,
        "k": success.all.k,
        "first": success.first_attempt.k,
        "blocked": success.all.n - success.addressable.n,
    } == true["success"]
    assert success.all.budget is not None
    assert (success.all.budget.spent, success.all.budget.allowed) == (true["spent"], true["allowed"])
    assert success.unjudged == true["unjudged"]
    assert {"n": picked.all.n, "k": picked.all.k, "late": [w.seconds for w in picked.late]} == true["pick_up"]
    assert picked.overdue_now == true["overdue"]
    assert figures(took.all) == pytest.approx(true["times"]["all"])
    for path, times in took.by_path.items():
        assert figures(times) == pytest.approx(true["times"]["paths"][path]), path
    assert took.negative == true["times"]["negative"]
    assert (took.worst and took.worst.seconds) == true["times"]["slowest"]
    slots = {"n": swept.all.n, "k": swept.all.k, "missed": swept.missed, "failed": swept.failed}
    assert slots == true["slots"]
    assert {name: n for name, n in said.ledger.classes.items() if n} == true["ledger"]
    assert said.ledger.installs == sum(true["ledger"].values())
    assert said.ledger.gap == true["ledger"].get("lost", 0)
    assert {r["error_class"]: (r["failed"], r["healed"], r["open"]) for r in failed.to_dict("records")} == true[
        "failures"
    ]
    for share in (success.all, success.addressable, success.first_attempt, picked.all, swept.all):
        if share.n:
            assert (share.low, share.high) == pytest.approx(interval(share.k, share.n), abs=1e-9)


def figures(times: health.Times) -> dict[str, Any]:
    return {
        "n": times.n,
        "finished": times.finished,
        "waiting": times.waiting,
        "late": times.late,
        "mean": times.mean,
        "restricted": times.restricted_mean,
        "p50": times.p50,
        "p95": times.p95,
        "p99": times.p99,
        "under": times.under_target,
        "share": times.share_under_target,
    }


def test_a_rebuild_writes_what_was_there(database: Database, settings: Settings, clock: Clock) -> None:
    found = world(99, clock.moment, shops=30)
    with database.write() as session:
        write(session, found.lives, found.ticks, found.maintenance, until=clock.moment)
    rollup.roll_up(database, settings)
    before = kept(database)

    rollup.rebuild(database, settings)

    assert len(before) > 100
    assert kept(database) == before


def test_rolling_up_twice_counts_nothing_twice(database: Database, settings: Settings, clock: Clock) -> None:
    found = world(98, clock.moment, shops=30)
    with database.write() as session:
        write(session, found.lives, found.ticks, found.maintenance, until=clock.moment)
    first = rollup.roll_up(database, settings)
    before = kept(database)

    second = rollup.roll_up(database, settings)

    assert (first > 100, second) == (True, 0)
    assert kept(database) == before


def test_a_lost_mark_is_made_again_from_the_events(database: Database, settings: Settings, clock: Clock) -> None:
    found = world(97, clock.moment, shops=30)
    with database.write() as session:
        write(session, found.lives, found.ticks, found.maintenance, until=clock.moment)
    rollup.roll_up(database, settings)
    before = kept(database)
    with database.write() as session:
        session.execute(delete(RollupMark))

    rollup.roll_up(database, settings)

    assert kept(database) == before


def kept(database: Database) -> set[tuple[Any, ...]]:
    """Every row of the roll-ups."""
    with database.read() as session:
        hours = session.execute(select(RollupHour.family, RollupHour.hour, RollupHour.figure, RollupHour.n)).all()
        table = RollupDuration
        durations = session.execute(select(table.hour, table.path, table.kind, table.seconds, table.n)).all()
    return {tuple(row) for row in [*hours, *durations]}
