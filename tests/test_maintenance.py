"""Declared maintenance: no check is expected, nobody is woken, and nothing can be declared backwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from sync_core import health, maintenance
from sync_core.alerts.judge import judge
from sync_core.alerts.look import look
from sync_core.config import Settings
from sync_core.errors import BadInput
from sync_core.models import Audit, Maintenance
from tests.conftest import Ago
from tests.health_rows import Rows

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def rows(session: Session, now: datetime, ago: Ago) -> Rows:
    """A scheduler that fell silent an hour ago, after checks in each slot."""
    made = Rows(session, now)
    made.shop()
    made.beat("scheduler", ago(minutes=60), workers=4, started_at=ago(hours=4))
    for nth in range(13, 40):
        made.sweep(ago(minutes=5 * nth))
    return made


def announced(session: Session, at: datetime, *, begins_in: float = 0, hours: float = 2) -> maintenance.Planned:
    own = {"by": "Ada", "reason": "database upgrade", "origin": "cli"}
    since, length = at + timedelta(minutes=begins_in), timedelta(hours=hours)
    return maintenance.declare(session, since=since, length=length, now=at, **own)


def swept(session: Session, now: datetime, settings: Settings) -> health.Objectives:
    own = {"since": now - 3 * HOUR, "until": now, "now": now, "settings": settings}
    return health.objectives(session, **own)  # type: ignore[arg-type]


def test_no_check_is_expected_while_maintenance_lasts(
    rows: Rows, session: Session, now: datetime, ago: Ago, settings: Settings
) -> None:
    before = swept(session, now, settings).sweep_success
    announced(session, ago(minutes=60), hours=0.5)

    after = swept(session, now, settings).sweep_success

    assert (before.missed, after.missed) == (12, 6)
    assert before.all.n - after.all.n == 6


def test_the_marks_tell_maintenance_from_a_missed_check(
    rows: Rows, session: Session, now: datetime, ago: Ago, settings: Settings
) -> None:
    announced(session, ago(minutes=60), hours=0.5)

    states = health.slots(session, since=now - 2 * HOUR, until=now, now=now, settings=settings)["state"].tolist()

    assert states[-12:] == ["maintenance"] * 6 + ["missed"] * 6


@dataclass(frozen=True)
class Case:
    """Maintenance that began so many minutes ago, for so many hours; is anybody woken, does the page say it?"""

    begun: int
    hours: float
    woken: bool
    said: bool


@pytest.mark.parametrize(
    "case",
    [
        *(Case(60, 2, woken=False, said=False), Case(56, 0.9, woken=False, said=True)),
        *(Case(60, 0.5, woken=True, said=True), Case(50, 2, woken=True, said=True)),
    ],
    ids=["under way", "just over", "long over", "declared when it was silent already"],
)
def test_nobody_is_woken_for_checks_that_were_not_expected(
    rows: Rows, now: datetime, ago: Ago, settings: Settings, case: Case
) -> None:
    announced(rows.session, ago(minutes=case.begun), hours=case.hours)

    alarms = {alarm.key for alarm in judge(look(rows.session, now=now, settings=settings))}
    kind = health.verdict(health.fleet(rows.session, now=now, settings=settings), say=str).kind

    assert ("checks" in alarms) is case.woken
    assert (kind is health.Kind.CHECKS_SILENT) is case.said


def test_a_fleet_knows_the_maintenance_under_way(
    rows: Rows, session: Session, now: datetime, settings: Settings
) -> None:
    planned = announced(session, now, begins_in=0)
    announced(session, now, begins_in=600)

    assert health.fleet(session, now=now, settings=settings).checks.maintenance == planned


def test_maintenance_cannot_be_declared_backwards(session: Session, now: datetime) -> None:
    planned = announced(session, now, begins_in=-600)

    assert (planned.since, planned.until) == (now, now + 2 * HOUR)


@pytest.mark.parametrize("hours", [0, -1, 24 * 7 + 1])
def test_a_length_that_makes_no_sense_is_refused(session: Session, now: datetime, hours: float) -> None:
    with pytest.raises(BadInput, match="at most 7 days"):
        announced(session, now, hours=hours)


def test_a_reason_is_asked_for(session: Session, now: datetime) -> None:
    with pytest.raises(BadInput, match="a reason"):
        maintenance.declare(session, since=now, length=HOUR, by="Ada", reason=" ", now=now, origin="cli")


def test_the_end_keeps_what_was_and_takes_back_what_was_to_come(session: Session, now: datetime, ago: Ago) -> None:
    announced(session, ago(minutes=30))
    announced(session, now, begins_in=600)

    ended = maintenance.end(session, by="Ada", now=now, origin="cli")

    found = [(row.since, row.until) for row in session.execute(select(Maintenance)).scalars()]
    acts = [row.act for row in session.execute(select(Audit).order_by(Audit.at, Audit.id)).scalars()]
    assert ended == 2
    assert sorted(found) == [(ago(minutes=30), now), (now, now)]
    assert sorted(acts) == ["maintenance", "maintenance", "maintenance ended", "maintenance ended"]


def test_overlapping_maintenance_is_one_calm_time(
    rows: Rows, session: Session, now: datetime, ago: Ago, settings: Settings
) -> None:
    announced(session, ago(minutes=60), hours=1.5)
    announced(session, ago(minutes=60), begins_in=10, hours=3)

    kinds = [
        health.verdict(health.fleet(session, now=now + minutes * MINUTE, settings=settings), say=str).kind
        for minutes in (0, 29, 31, 129, 145)
    ]

    assert kinds == [*[health.Kind.FINE] * 4, health.Kind.CHECKS_SILENT]
