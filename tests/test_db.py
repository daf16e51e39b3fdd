from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from sync_core.config import Settings
from sync_core.db import Database, normal_url, open_database
from sync_core.errors import BadSetting
from sync_core.models import Heartbeat, ShopSync
from tests.conftest import Ago, Clock, MakeSettings
from tests.health_rows import Rows


def heartbeat(now: datetime, process: str = "worker@a:1") -> Heartbeat:
    return Heartbeat(process=process, role="worker", host="a", pid=1, version="1", started_at=now, seen_at=now)


def test_a_transaction_is_committed_at_its_end(database: Database, now: datetime) -> None:
    with database.write() as session:
        session.add(heartbeat(now))

    with database.read() as session:
        assert session.get_one(Heartbeat, "worker@a:1").seen_at == now


def test_an_exception_rolls_a_transaction_back(database: Database, now: datetime) -> None:
    def write_and_stumble() -> None:
        with database.write() as session:
            session.add(heartbeat(now))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_stumble()

    with database.read() as session:
        assert session.get(Heartbeat, "worker@a:1") is None


def test_a_reader_waits_for_no_writer(database: Database, now: datetime) -> None:
    with database.write() as writer:
        writer.add(heartbeat(now))
        writer.flush()

        with database.read() as reader:
            seen = reader.get(Heartbeat, "worker@a:1")

    assert seen is None


def test_two_writers_that_read_first_both_succeed(database: Database, now: datetime) -> None:
    together = threading.Barrier(2)

    def write(process: str) -> None:
        together.wait()
        with database.write() as session:
            session.get(Heartbeat, process)
            session.add(heartbeat(now, process))

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as session:
        assert session.execute(text(f"SELECT count(*) FROM {place(database)}heartbeat")).scalar_one() == 2


def place(database: Database) -> str:
    return "shopsync." if database.is_postgres else ""


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 30_000)]
)
def test_sqlite_is_set_up_to_survive_a_power_cut(sqlite_database: Database, pragma: str, value: object) -> None:
    with sqlite_database.read() as session:
        found = session.execute(text(f"PRAGMA {pragma}")).scalar_one()

    assert found == value


def test_a_read_transaction_on_sqlite_takes_no_write_lock(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.read() as reader, sqlite_database.write() as writer:
        reader.get(Heartbeat, "none")

        writer.add(heartbeat(now))

    with sqlite_database.read() as session:
        assert session.get(Heartbeat, "worker@a:1") is not None


def test_a_commit_that_fails_leaves_no_lock_behind(
    sqlite_database: Database, settings: Settings, now: datetime
) -> None:
    def fail(_connection: object) -> None:
        raise OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))

    event.listen(sqlite_database.engine, "commit", fail)
    with pytest.raises(OperationalError), sqlite_database.write() as session:
        session.add(heartbeat(now, "lost"))
    event.remove(sqlite_database.engine, "commit", fail)

    with closing(sqlite3.connect(settings.database_url.removeprefix("sqlite:///"), timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
    with sqlite_database.write() as session:
        assert session.get(Heartbeat, "lost") is None


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_each_postgres_connection_speaks_utc(database: Database) -> None:
    with database.write() as session:
        zone = session.execute(text("SHOW TimeZone")).scalar_one()

    assert zone == "UTC"


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_a_transaction_that_stands_still_is_over_with_its_lease(database_url: str, make_settings: MakeSettings) -> None:
    settings = make_settings(database_url=database_url, lease_seconds=45)
    database = open_database(settings, host_clock=lambda: datetime.now(UTC))

    with database.read() as session:
        told = session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
    database.close()

    assert told == "45s"


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_a_connection_that_ended_in_the_pool_is_replaced(database: Database, database_url: str) -> None:
    ended = ended_in_the_pool(database, database_url)

    with database.read() as session:
        assert backend(session) != ended


def ended_in_the_pool(database: Database, url: str) -> int:
    """The server's number of a connection that it has ended since it went back."""
    with database.read() as session:
        number = backend(session)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 1000)", [number])
    return number


def backend(session: Session) -> int:
    number: int = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    return number


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_postgres_tells_its_own_time(settings: Settings, database_url: str) -> None:
    database = open_database(settings, host_clock=Clock(datetime(2000, 1, 1, tzinfo=UTC)))

    with database.write() as session:
        told = database.now(session)
    database.close()

    assert told.tzinfo is UTC
    assert abs(told - datetime.now(UTC)) < timedelta(hours=1)


def test_sqlite_tells_the_hosts_time(sqlite_database: Database, settings: Settings, ago: Ago) -> None:
    database = open_database(settings, host_clock=lambda: ago(minutes=3))

    with database.read() as session:
        told = database.now(session)
    database.close()

    assert told == ago(minutes=3)


@pytest.mark.parametrize(
    ("given", "url", "schema"),
    [
        ("sqlite:///var/x.db", "sqlite:///var/x.db", ""),
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d", "public"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d", "public"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d", "public"),
        ("postgres://h/d?pgbouncer=true&connection_limit=1&pool_timeout=9", "postgresql+psycopg://h/d", "public"),
        ("postgres://h/d?schema=app&sslmode=require", "postgresql+psycopg://h/d?sslmode=require", "app"),
    ],
)
def test_a_url_is_understood_in_each_form_that_hosts_hand_out(given: str, url: str, schema: str) -> None:
    assert normal_url(given) == (url, schema)


@pytest.mark.parametrize(
    "url", ["mysql://root:secret@h/d", "postgres://root:secret@h:port/d", "postgres://root:secret@[::1/d"]
)
def test_a_url_that_is_not_understood_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(BadSetting) as refusal:
        normal_url(url)

    assert "DATABASE_URL" in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_database_that_is_away_is_an_error_of_the_first_statement(make_settings: MakeSettings, clock: Clock) -> None:
    database = open_database(make_settings(database_url="postgresql://u@127.0.0.1:1/d"), host_clock=clock)

    with pytest.raises(OperationalError), database.write() as session:
        session.execute(text("SELECT 1"))


@pytest.mark.parametrize("way", ["read", "look"])
def test_what_is_read_in_one_transaction_is_of_one_moment(database: Database, now: datetime, way: str) -> None:
    def count(session: Session) -> int:
        return session.execute(select(func.count()).select_from(ShopSync)).scalar_one()

    with database.read() if way == "read" else database.look(patience=5) as opened:
        session = opened if isinstance(opened, Session) else opened[0]
        before = count(session)
        with database.write() as other:
            Rows(other, now).shop()
        after = count(session)
    with database.read() as session:
        later = count(session)

    assert (before, after, later) == (0, 0, 1)
