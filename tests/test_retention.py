"""What is old goes, in batches; what a figure still reads stays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from sync_core import retention, rollup
from sync_core.columns import first_id
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import (
    Audit,
    Base,
    Heartbeat,
    Install,
    RollupHour,
    RollupMark,
    Sweep,
    SyncAttempt,
    Transition,
    WebhookInbox,
)
from tests.health_rows import Rows


def left(database: Database, table: type[Base]) -> int:
    with database.read() as session:
        return session.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.mark.parametrize(
    ("outcome", "days"),
    [
        *(("completed", 30), ("released", 30), ("cancelled", 30)),
        *(("failed", 300), ("orphaned", 300), ("stolen", 300)),
    ],
)
def test_failures_are_kept_ten_times_longer(
    database: Database, settings: Settings, now: datetime, outcome: str, days: int
) -> None:
    old = now - timedelta(days=days)
    with database.write() as session:
        for nth, ended in enumerate((old - timedelta(milliseconds=1), old, old + timedelta(milliseconds=1))):
            Rows(session, now).attempt("one", ended, outcome, fence=nth)

    retention.sweep_out(database, settings, now=now)

    assert left(database, SyncAttempt) == 2


def test_an_open_attempt_stays_however_old(database: Database, settings: Settings, now: datetime) -> None:
    with database.write() as session:
        Rows(session, now).attempt("one", None, None, requested_at=now - timedelta(days=900))

    retention.sweep_out(database, settings, now=now)

    assert left(database, SyncAttempt) == 1


def test_handled_messages_acts_and_transitions_go_when_they_are_old(
    database: Database, settings: Settings, now: datetime
) -> None:
    with database.write() as session:
        rows = Rows(session, now)
        for days in (29, 31):
            at = now - timedelta(days=days)
            message = {"topic": "app/uninstalled", "shop_domain": "one.myshopify.com", "received_at": at, "body": ""}
            rows.add(WebhookInbox(webhook_id=f"handled {days}", handled_at=at, **message))
            rows.add(WebhookInbox(webhook_id=f"open {days}", **message))
            rows.add(WebhookInbox(webhook_id=f"aside {days}", handled_at=at, result="set aside: broken", **message))
        for days in (729, 731):
            rows.add(Audit(at=now - timedelta(days=days), actor="Ada", act="sync", origin="page"))
        for days in (299, 301):
            at = now - timedelta(days=days)
            rows.add(Transition(id=first_id(at), shop_id="one", generation=1, at=at, to_status="FAILED", event="x"))

    deleted = retention.sweep_out(database, settings, now=now)

    assert (deleted["webhooks"], deleted["audit"], deleted["transitions"]) == (1, 1, 1)
    assert (left(database, WebhookInbox), left(database, Audit), left(database, Transition)) == (5, 1, 1)


def test_checks_go_only_once_they_are_rolled_up(database: Database, settings: Settings, now: datetime) -> None:
    with database.write() as session:
        for days in (120, 119, 1):
            Rows(session, now).sweep(now - timedelta(days=days))

    before = retention.sweep_out(database, settings, now=now)
    rollup.roll_up(database, settings)
    after = retention.sweep_out(database, settings, now=now)

    assert ("checks" in before, after["checks"]) == (False, 2)
    assert left(database, Sweep) == 1


def test_counts_of_deleted_checks_survive_a_rebuild(database: Database, settings: Settings, now: datetime) -> None:
    with database.write() as session:
        for days in (120, 119, 95, 1):
            Rows(session, now).sweep(now - timedelta(days=days))
    rollup.roll_up(database, settings)
    counts = left(database, RollupHour)
    retention.sweep_out(database, settings, now=now)

    rollup.rebuild(database, settings)

    assert left(database, RollupHour) == counts > 1_000


def test_more_than_a_batch_is_deleted_in_one_go(database: Database, settings: Settings, now: datetime) -> None:
    with database.write() as session:
        rows = Rows(session, now)
        for nth in range(retention.BATCH + 5):
            rows.attempt("one", now - timedelta(days=31 + nth % 3), "failed" if nth % 100 == 0 else "completed")

    deleted = retention.sweep_out(database, settings, now=now)

    assert deleted["attempts"] == retention.BATCH + 5 - 11
    assert left(database, SyncAttempt) == 11


def test_installs_and_marks_are_never_deleted(database: Database, settings: Settings, now: datetime) -> None:
    with database.write() as session:
        Rows(session, now).installed(now - timedelta(days=2_000), claimed=5, synced=60)
        session.add(RollupMark(family="installs", until=now - timedelta(days=1_900)))

    retention.sweep_out(database, settings, now=now)

    assert (left(database, Install), left(database, RollupMark)) == (1, 1)


def test_processes_that_are_gone_for_a_week_go_but_for_the_last_of_each_kind(
    database: Database, settings: Settings, now: datetime
) -> None:
    with database.write() as session:
        rows = Rows(session, now)
        for days, role, host in ((40, "scheduler", "a"), (30, "scheduler", "b"), (8, "web", "a"), (6, "web", "b")):
            rows.beat(role, now - timedelta(days=days), host=host, process=f"{role}@{host}:1")

    deleted = retention.sweep_out(database, settings, now=now)

    with database.read() as session:
        kept = set(session.execute(select(Heartbeat.process)).scalars())
    assert (deleted["processes"], kept) == (2, {"scheduler@b:1", "web@b:1"})
