"""The database's own silence: told by one process a host, recovered by one, and booked."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sync_core.alerts.channels import Channel, Letter
from sync_core.alerts.deliver import deliver
from sync_core.alerts.outage import FILE, LEFT_SECONDS, Outage
from sync_core.alerts.watch import Watch
from sync_core.config import Settings, state_folder
from sync_core.db import Database, open_database
from tests.alerts.conftest import Book, Postbox
from tests.conftest import Clock, MakeSettings
from tests.health_rows import Rows


@pytest.fixture
def told(make_settings: MakeSettings, database_url: str) -> Settings:
    return make_settings(database_url=database_url, alert_urls_page="json://127.0.0.1:1/secret")


@pytest.mark.parametrize(("seconds", "n"), [(29, 0), (30, 1), (31, 1)])
def test_a_silence_is_told_when_it_lasts_longer_than_a_restart(
    told: Settings, now: datetime, *, seconds: int, n: int
) -> None:
    post = Postbox()
    outage = Outage(told, post)
    outage.failed("OperationalError", now=now)

    outage.failed("OperationalError", now=now + timedelta(seconds=seconds))

    assert len(post.letters) == n


def test_of_all_processes_of_a_host_one_tells_of_each_change(told: Settings, book: Book) -> None:
    post, now = Postbox(), book.clock()
    processes = [Outage(told, post) for _ in range(5)]
    for seconds in (0, 30, 60, 90):
        for outage in processes:
            outage.failed("OperationalError", now=now + timedelta(seconds=seconds))

    book.clock.advance(minutes=3)
    for outage in processes:
        outage.answered(book.database)
    deliver(book.database, told, send=post)

    assert post.titles == ["[test] ACT: The database does not answer", "[test] Recovered: The database does not answer"]
    assert [(row.key, row.recovered_at) for row in book.alerts] == [("database", book.clock())]
    assert book.events == ["opened", "recovered"]


def test_a_restart_in_the_middle_tells_nobody_again(told: Settings, now: datetime) -> None:
    post = Postbox()
    for _ in range(20):
        outage = Outage(told, post)
        outage.failed("OperationalError", now=now)
        outage.failed("OperationalError", now=now + timedelta(seconds=31))

    assert len(post.letters) == 1


def test_what_no_channel_took_is_told_at_the_next_look(told: Settings, now: datetime) -> None:
    post = Postbox(refusals=1)
    outage = Outage(told, post)
    for seconds in (0, 31, 41):
        outage.failed("OperationalError", now=now + timedelta(seconds=seconds))

    assert (post.tried, len(post.letters)) == (2, 1)


def test_one_dead_channel_does_not_make_the_others_ring_again(
    make_settings: MakeSettings, database_url: str, book: Book
) -> None:
    two = make_settings(database_url=database_url, alert_urls_page="json://dead.example, json://well.example")
    got: list[str] = []

    def send(channel: Channel, letter: Letter) -> str | None:
        if "dead" in channel.name:
            return "answered HTTP 404"
        got.append(letter.title)
        return None

    outage, now = Outage(two, send), book.clock()
    for seconds in range(0, 600, 10):
        outage.failed("OperationalError", now=now + timedelta(seconds=seconds))
    book.clock.advance(minutes=10)
    outage.answered(book.database)
    deliver(book.database, two, send=send)

    assert got == ["[test] ACT: The database does not answer", "[test] Recovered: The database does not answer"]


@pytest.mark.parametrize("left", ["", '{"since": "2026-'])
def test_a_file_that_was_cut_off_silences_nobody_for_ever(told: Settings, now: datetime, left: str) -> None:
    post, file = Postbox(), state_folder(told) / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(left)
    made = now.timestamp() - LEFT_SECONDS
    os.utime(file, (made, made))

    outage = Outage(told, post)
    for seconds in (0, 31, 41):
        outage.failed("OperationalError", now=now + timedelta(seconds=seconds))

    assert len(post.letters) == 1


def test_a_folder_that_takes_no_file_does_not_keep_anybody_silent(
    told: Settings, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    post, now = Postbox(), book.clock()
    outage = Outage(told, post)
    for seconds in (0, 31, 41):
        outage.failed("OperationalError", now=now + timedelta(seconds=seconds))
    outage.answered(book.database)
    deliver(book.database, told, send=post)

    assert [title.split(":")[0] for title in post.titles] == ["[test] ACT", "[test] Recovered"]


def test_a_database_that_answers_is_no_news(told: Settings, book: Book) -> None:
    post = Postbox()

    Outage(told, post).answered(book.database)

    assert (post.letters, book.alerts) == ([], [])


def test_a_watch_on_a_database_that_is_not_there_goes_on(make_settings: MakeSettings, clock: Clock) -> None:
    nowhere = make_settings(
        database_url="postgresql://nobody:secret@127.0.0.1:1/none", alert_urls_page="json://127.0.0.1:1/secret"
    )
    post = Postbox()
    watch = Watch(open_database(nowhere, host_clock=clock), nowhere, send=post)

    watch.look()
    clock.advance(seconds=31)
    watch.look()

    assert post.titles == ["[test] ACT: The database does not answer"]
    assert "nobody" not in post.letters[0][1].text
    assert Path("var", FILE).exists()


def test_a_watch_judges_and_delivers(database: Database, told: Settings, clock: Clock, book: Book) -> None:
    post = Postbox()
    watch = Watch(database, told, send=post)
    watch.look()

    with database.write() as session:
        Rows(session, clock()).sweep(clock())
    clock.advance(minutes=11)
    watch.look()

    assert post.titles == ["[test] ACT: The safety check does not run"]
