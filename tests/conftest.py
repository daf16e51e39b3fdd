"""What every test may ask for: a database of each engine, settings, a moment.

A test that names `database` runs on SQLite and on PostgreSQL; one that names `sqlite_database`
runs once. `settings` always names the database of the test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.orm import Session

from sync_core.config import Settings, load_settings
from sync_core.db import Database, open_database
from sync_core.schema import prepare
from tests.postgres import Postgres, running_postgres

for field in Settings.model_fields:
    os.environ.pop(field.upper(), None)

LONGEST_FIRST = ("properties", "faults", "journeys")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: one that begins last keeps one process busy for minutes while the others are done."""
    here = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=turn)


MakeSettings = Callable[..., Settings]
Ago = Callable[..., datetime]

TEST_KEY = Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in an empty folder: it finds no `.env` of the host and leaves no `var/`."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def now() -> datetime:
    """The moment at which every test happens."""
    return datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def ago(now: datetime) -> Ago:
    """`ago(minutes=7)`: the moment seven minutes before `now`."""
    return lambda **span: now - timedelta(**span)


@dataclass
class Clock:
    """A clock that a test sets: `clock.advance(minutes=5)`."""

    moment: datetime

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> datetime:
        self.moment += timedelta(**span)
        return self.moment


@pytest.fixture
def clock(now: datetime) -> Clock:
    """The clock of the test's database, at `now` until advanced."""
    return Clock(now)


@dataclass(frozen=True)
class TimedDatabase(Database):
    """A database that tells the test's time on both engines; `test_db` has the real clocks."""

    def now(self, session: Session) -> datetime:
        return self.host_clock()


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """`make_settings(sweep_profile="classic")`: validated settings with harmless values for the rest."""

    def make(**overrides: object) -> Settings:
        return load_settings(
            **{
                "_env_file": None,
                "database_url": f"sqlite:///{tmp_path}/shopsync.db",
                "environment": "test",
                "shopify_api_key": "test-key",
                "shopify_api_secret": "test-secret",
                "shopify_base_url": "http://127.0.0.1:1/{shop}",
                "cron_secret": "test-cron-secret",
                "internal_api_secret": "test-internal-secret",
                "read_api_token": "test-read-token",
                "token_keys": TEST_KEY,
                "webhooks": "app",
                "workers": 4,
                **overrides,
            }
        )

    return make


@pytest.fixture
def settings(request: pytest.FixtureRequest, make_settings: MakeSettings) -> Settings:
    """Settings for this test's database; for a SQLite file not there yet when the test has none."""
    if "database_url" in request.fixturenames:
        return make_settings(database_url=request.getfixturevalue("database_url"))
    return make_settings()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The PostgreSQL server of this run."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "shopsync.db"
    prepare(load_settings(_env_file=None, database_url=f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Which engine the test runs on."""
    return str(request.param)


@pytest.fixture
def bare_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database without any table."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path}/bare.db"
        return
    with request.getfixturevalue("postgres").fresh() as url:
        yield url


@pytest.fixture
def database_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a migrated, empty database."""
    if engine_name == "sqlite":
        path = tmp_path / "shopsync.db"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        yield f"sqlite:///{path}"
        return
    with request.getfixturevalue("postgres").migrated(_prepare) as url:
        yield url


def _prepare(url: str) -> None:
    prepare(load_settings(_env_file=None, database_url=url))


@pytest.fixture
def database(database_url: str, settings: Settings, clock: Clock) -> Iterator[Database]:
    """A migrated, empty database of each engine; its clock is `clock`."""
    yield from _opened(settings, clock)


@pytest.fixture
def sqlite_database(migrated_file: Path, settings: Settings, tmp_path: Path, clock: Clock) -> Iterator[Database]:
    """A migrated, empty SQLite database, for tests in which the engine makes no difference."""
    shutil.copy(migrated_file, tmp_path / "shopsync.db")
    yield from _opened(settings, clock)


def _opened(settings: Settings, clock: Clock) -> Iterator[Database]:
    opened = open_database(settings, host_clock=clock)
    timed = TimedDatabase(opened.engine, opened.readonly, clock)
    yield timed
    timed.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """One write transaction on `database`, committed at the end of the test."""
    with database.write() as session:
        yield session
