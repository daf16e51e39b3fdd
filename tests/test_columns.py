from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy import literal, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import StatementError

from sync_core.columns import UtcMs, new_id
from sync_core.db import Database

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def stored(database: Database, moment: datetime) -> datetime:
    """A moment after its way through the database."""
    with database.write() as session:
        return session.execute(select(literal(moment, UtcMs()))).scalar_one()


@pytest.mark.parametrize(
    "moment",
    [NOON, NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), NOON.astimezone(timezone(-timedelta(hours=11)))],
)
def test_a_moment_of_any_zone_comes_back_as_utc(database: Database, moment: datetime) -> None:
    found = stored(database, moment)

    assert (found, found.tzinfo) == (NOON, UTC)


@pytest.mark.parametrize(("microseconds", "kept"), [(0, 0), (999, 0), (1000, 1000), (1001, 1000), (999_999, 999_000)])
def test_a_moment_is_cut_to_milliseconds_never_rounded_up(database: Database, microseconds: int, kept: int) -> None:
    found = stored(database, NOON.replace(microsecond=microseconds))

    assert found == NOON.replace(microsecond=kept)


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="a moment needs a time zone"):
        stored(database, NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("url", "ddl"), [("postgresql+psycopg://", "TIMESTAMP(3) WITHOUT TIME ZONE"), ("sqlite://", "DATETIME")]
)
def test_a_moments_column_is_what_the_app_has(url: str, ddl: str) -> None:
    dialect = make_url(url).get_dialect()()

    assert UtcMs().compile(dialect=dialect) == ddl


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = UUID(new_id())

    assert (made.version, made.variant) == (7, "specified in RFC 4122")


def test_ids_are_unique_and_sorted_by_their_millisecond() -> None:
    made = [new_id() for _ in range(5000)]

    assert len(set(made)) == len(made)
    assert [id_[:13] for id_ in made] == sorted(id_[:13] for id_ in made)
