"""Statements that go straight to the driver fail as SQLAlchemy's do, and are heard by who listens."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.pq import PipelineStatus
from sqlalchemy import bindparam, event, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from sync_core.db import Database
from sync_core.models import Sweep
from sync_core.prepared import Prepared, at_once

SWEEP = Prepared(insert(Sweep).values({c.key: bindparam(c.key) for c in Sweep.__table__.columns}))
COUNT = Prepared(select(Sweep.id).where(Sweep.slot == bindparam("slot")))


NOTHING = dict.fromkeys((column.key for column in Sweep.__table__.columns), None)


def test_a_refused_row_is_told_in_sqlalchemys_words(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        SWEEP.run(session, NOTHING)


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_a_connection_that_is_gone_is_not_used_again(database: Database) -> None:
    def count_on_what_is_gone() -> None:
        with database.write() as session, database.engine.connect() as other:
            backend = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
            other.execute(text("SELECT pg_terminate_backend(:pid, 1000)"), {"pid": backend})
            COUNT.fetch(session, {"slot": 1})

    with pytest.raises(OperationalError) as told:
        count_on_what_is_gone()

    assert told.value.connection_invalidated
    with database.write() as session:
        assert COUNT.fetch(session, {"slot": 1}) == []


def test_who_listens_to_the_engine_hears_them(database: Database) -> None:
    heard: list[str] = []

    def hear(_connection: object, _cursor: object, sql: str, *_more: object) -> None:
        heard.append(sql)

    event.listen(database.engine, "before_cursor_execute", hear)
    with database.write() as session:
        COUNT.fetch(session, {"slot": 1})
    event.remove(database.engine, "before_cursor_execute", hear)

    assert any("WHERE" in sql and "slot" in sql for sql in heard)


def test_a_savepoint_survives_a_refused_row(database: Database) -> None:
    with database.write() as session:
        COUNT.fetch(session, {"slot": 1})
        with pytest.raises(DBAPIError), session.begin_nested():
            SWEEP.run(session, NOTHING)

        assert COUNT.fetch(session, {"slot": 1}) == []


def test_a_refusal_among_statements_sent_at_once_is_told_in_sqlalchemys_words(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as session, at_once(session):
        SWEEP.run(session, NOTHING)


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_statements_sent_at_once_do_not_wait_for_each_other(database: Database) -> None:
    with database.write() as session:
        driver: Any = session.connection().connection.driver_connection
        with at_once(session):
            COUNT.fetch(session, {"slot": 1})
            within = driver.pgconn.pipeline_status

        assert (within, driver.pgconn.pipeline_status) == (PipelineStatus.ON, PipelineStatus.OFF)
