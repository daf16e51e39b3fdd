"""The book: one row and one message for each change, whoever judges, however often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import update

from sync_core.alerts.book import keep, settle
from sync_core.alerts.mends import MENDS
from sync_core.alerts.snapshot import Severity
from sync_core.alerts.words import body, from_json, title
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import Alert, AlertMessage, Mute
from sync_core.states import Hold, Status
from tests.alerts.conftest import Book, alarm
from tests.conftest import Clock
from tests.health_rows import Rows

PROCESSES = 8
LOOKS = 20


def mute(book: Book, key: str = "checks", **until: float) -> None:
    with book.database.write() as session:
        at = book.clock()
        ends = Clock(at).advance(**until)
        session.add(Mute(key=key, until=ends, by="Ada", reason="known", at=at))


def sent(book: Book) -> None:
    """All messages so far were sent."""
    with book.database.write() as session:
        session.execute(update(AlertMessage).values(sent_at=book.clock(), tries=1))


def test_a_change_is_written_once_and_told_once(book: Book) -> None:
    for _ in range(LOOKS):
        book.settle(alarm(), seconds=10)

    assert [row.key for row in book.alerts] == ["checks"]
    assert book.events == ["opened"]


def test_what_is_over_recovers_once(book: Book) -> None:
    book.settle(alarm())

    for _ in range(LOOKS):
        book.settle(seconds=10)

    assert [row.recovered_at is not None for row in book.alerts] == [True]
    assert book.events == ["opened", "recovered"]


def test_what_comes_again_is_a_new_alert(book: Book) -> None:
    book.settle(alarm())
    book.settle(minutes=5)

    book.settle(alarm(), minutes=5)

    assert [row.recovered_at is None for row in book.alerts] == [False, True]
    assert book.events == ["opened", "recovered", "opened"]


def test_a_ticket_that_becomes_a_page_is_told_as_worse_and_stays_a_page(book: Book) -> None:
    book.settle(alarm("overdue", Severity.TICKET))
    book.settle(alarm("overdue", Severity.PAGE), minutes=1)

    book.settle(alarm("overdue", Severity.TICKET), minutes=1)

    assert [row.severity for row in book.alerts] == ["page"]
    assert [(row.event, row.severity) for row in book.messages] == [("opened", "ticket"), ("worse", "page")]


@pytest.mark.parametrize(("seconds", "n"), [(59, 1), (60, 7), (61, 7)])
def test_an_open_alert_is_brought_up_to_date_after_a_minute(book: Book, *, seconds: int, n: int) -> None:
    book.settle(alarm(n=1))

    book.settle(alarm(n=7), seconds=seconds)

    assert book.alerts[0].message["n"] == n
    assert book.events == ["opened"]


def test_the_beginning_of_an_alert_does_not_move_on(book: Book) -> None:
    book.settle(alarm())
    later = alarm(since=book.clock())

    book.settle(later, minutes=5)

    assert book.alerts[0].message["since"] == "2026-11-02T09:00:00+00:00"


@pytest.mark.parametrize(
    ("severity", "minutes", "reminders"),
    [
        (Severity.PAGE, 59, []),
        (Severity.PAGE, 60, ["reminder-1"]),
        (Severity.PAGE, 61, ["reminder-1"]),
        (Severity.PAGE, 119, ["reminder-1"]),
        (Severity.TICKET, 23 * 60 + 59, []),
        (Severity.TICKET, 24 * 60, ["reminder-1"]),
    ],
)
def test_a_reminder_comes_while_it_lasts(book: Book, severity: Severity, minutes: int, reminders: list[str]) -> None:
    book.settle(alarm(severity=severity))
    sent(book)

    book.settle(alarm(severity=severity), minutes=minutes)
    book.settle(alarm(severity=severity))

    assert book.events == ["opened", *reminders]


def test_who_has_it_is_reminded_no_more(book: Book) -> None:
    book.settle(alarm())
    with book.database.write() as session:
        session.execute(update(Alert).values(acknowledged_at=book.clock(), acknowledged_by="Ada"))

    book.settle(alarm(), hours=3)

    assert book.events == ["opened"]


def test_a_muted_alert_reminds_nobody_until_the_mute_ends(book: Book) -> None:
    book.settle(alarm())
    sent(book)
    mute(book, hours=2)

    book.settle(alarm(), minutes=90)
    muted = book.events
    book.settle(alarm(), minutes=31)

    assert (muted, book.events) == (["opened"], ["opened", "reminder-1"])


def test_what_a_mute_kept_back_is_told_once_when_it_ends(book: Book) -> None:
    mute(book, hours=2)
    book.settle(alarm())

    book.settle(alarm(), minutes=121)

    assert book.events == ["opened"]


def test_who_was_just_told_that_it_is_worse_is_not_reminded_at_once(book: Book) -> None:
    book.settle(alarm("overdue", Severity.TICKET))
    sent(book)
    book.settle(alarm("overdue", Severity.PAGE), hours=5)
    sent(book)

    book.settle(alarm("overdue", Severity.PAGE), minutes=59)
    soon = book.events
    book.settle(alarm("overdue", Severity.PAGE), minutes=1)

    assert (soon, book.events) == (["opened", "worse"], ["opened", "worse", "reminder-1"])


def test_what_hits_shops_still_is_not_said_to_be_over(book: Book) -> None:
    book.settle(alarm("cause:frozen", Severity.TICKET))
    book.clock.advance(days=1)
    with book.database.write() as session:
        settle(session, (), {"cause:frozen": 3}, now=book.clock())

    message = from_json(book.alerts[0].message)

    assert title(message, "recovered", environment="test") == "[test] No more: The safety check does not run"
    said = body(message, "recovered", at=book.clock(), address="/alerts")
    assert said == "No other shop joined until 3 Nov, 09:30 UTC. It still hits 3 shops.\n/alerts"


def test_what_came_and_went_under_a_mute_is_told_to_nobody(book: Book) -> None:
    mute(book, hours=2)
    book.settle(alarm())

    book.settle(minutes=10)

    assert [(row.event, row.dropped_at is not None) for row in book.messages] == [("opened", True)]


def test_the_end_of_what_was_told_is_told_under_a_mute_too(book: Book) -> None:
    book.settle(alarm())
    sent(book)
    mute(book, hours=2)

    book.settle(minutes=10)

    assert book.events == ["opened", "recovered"]


def test_many_processes_that_judge_at_once_write_one_alert(book: Book) -> None:
    together = Barrier(PROCESSES)

    def judge_once(nth: int) -> None:
        together.wait()
        with book.database.write() as session:
            settle(session, [alarm(), alarm("overdue", Severity.TICKET)], now=book.clock())

    with ThreadPoolExecutor(PROCESSES) as pool:
        list(pool.map(judge_once, range(PROCESSES)))

    assert [row.key for row in book.alerts] == ["checks", "overdue"]
    assert book.events == ["opened", "opened"]


def test_a_storm_of_twenty_restarts_is_one_alert_and_one_recovery(
    book: Book, database: Database, settings: Settings, clock: Clock
) -> None:
    with database.write() as session:
        rows = Rows(session, clock())
        rows.shop()
        rows.sweep(clock())
    clock.advance(minutes=11)

    for _ in range(20):
        keep(database, settings)
        clock.advance(seconds=10)
    with database.write() as session:
        Rows(session, clock()).sweep(clock())
    for _ in range(20):
        keep(database, settings)
        clock.advance(seconds=10)

    assert book.events == ["opened", "recovered"]


def test_five_hundred_failing_shops_with_twelve_causes_are_twelve_messages(
    book: Book, database: Database, settings: Settings, clock: Clock
) -> None:
    causes = sorted(set(MENDS) - {"orphaned"})[:12]  # a worker's death is of its try, not of the shop
    with database.write() as session:
        rows = Rows(session, clock())
        rows.sweep(clock())
        began = clock() - timedelta(minutes=9)
        for nth in range(500):
            cause = causes[nth % 12]
            hold = cause if cause in set(Hold) else None
            rows.shop(status=Status.FAILED, failures=2, error_class=cause, hold=hold, failing_since=began, since=began)

    for _ in range(3):
        keep(database, settings)

    assert [row.key for row in book.alerts] == [f"cause:{cause}" for cause in causes]
    assert book.events == ["opened"] * 12
    for row in book.alerts:
        message = row.message
        assert (message["n"], len(message["shops"])) in ((42, 10), (41, 10))
        assert message["action"] == MENDS[row.key.removeprefix("cause:")].action


def test_a_look_that_changes_nothing_opens_no_transaction_that_writes(
    book: Book, database: Database, settings: Settings, clock: Clock
) -> None:
    with database.write() as session:
        Rows(session, clock()).sweep(clock())

    with database.write():  # on SQLite a second writer would wait here for 30 s and fail
        if not database.is_postgres:
            keep(database, settings)

    assert book.alerts == []
