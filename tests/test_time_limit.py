"""A reading transaction that takes too long is given up, and the connection serves the next one."""

from __future__ import annotations

from time import perf_counter

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from sync_core.db import Database
from sync_core.errors import TooSlow
from sync_core.models import Install

ENDLESS = text("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t")


def endless(database: Database, patience: float) -> None:
    with database.look(patience=patience) as (session, _now):
        session.execute(ENDLESS)


def test_what_takes_too_long_is_given_up_in_plain_words(database: Database) -> None:
    began = perf_counter()

    with pytest.raises(TooSlow, match=r"^the database took longer than 0.2 s$"):
        endless(database, 0.2)

    assert perf_counter() - began < 30


def test_the_connection_serves_the_next_one_without_a_limit(database: Database) -> None:
    with pytest.raises(TooSlow):
        endless(database, 0.1)

    with database.read() as session:
        limit = text("SHOW statement_timeout") if database.is_postgres else text("SELECT '0'")
        assert session.execute(limit).scalar_one() == "0"
        assert session.execute(select(func.count()).select_from(Install)).scalar_one() == 0


def test_another_failure_stays_what_it_is(database: Database) -> None:
    def fail() -> None:
        with database.look(patience=5) as (session, _now):
            if database.is_postgres:
                session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            session.execute(text("SELECT * FROM nowhere"))

    with pytest.raises(OperationalError):
        fail()
