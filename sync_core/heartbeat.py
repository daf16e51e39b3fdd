"""Signs of life: each process says every 15 s that it is there and what it is doing."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version

import structlog
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from sync_core.db import Database, insert_into
from sync_core.models import Heartbeat

BEAT_SECONDS = 15.0
SILENT_SECONDS = 45.0
"""After three missed beats a process counts as silent."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Process:
    """Who beats: a role on a host, with the number of syncs that it can run at once."""

    role: str
    workers: int = 0
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)

    @property
    def name(self) -> str:
        return f"{self.role}@{self.host}:{self.pid}"


@dataclass(frozen=True)
class Doing:
    """What a process is at: its runs, and a word for it."""

    running: int = 0
    word: str = "idle"


def beat(
    session: Session, process: Process, doing: Doing, *, now: datetime, started_at: datetime, clock_offset: float
) -> None:
    """Write one sign of life. `clock_offset` is seconds: the host's clock minus the database's.

    A name may come again: in a container each start has the same host and pid, perhaps another version.
    """
    seen = {
        "seen_at": now,
        "stopped_at": None,
        "clock_offset": clock_offset,
        "running": doing.running,
        "doing": doing.word,
        "workers": process.workers,
        "version": version("shopsync"),
        "started_at": started_at,
    }
    who = {"process": process.name, "role": process.role, "host": process.host, "pid": process.pid}
    row = insert_into(session, Heartbeat).values(**who, **seen)
    session.execute(row.on_conflict_do_update(index_elements=["process"], set_=seen))


def stopped(session: Session, process: Process, *, now: datetime) -> None:
    """The last sign: this process ended on purpose."""
    session.execute(
        update(Heartbeat).where(Heartbeat.process == process.name).values(stopped_at=now, running=0, doing="stopped"),
        execution_options={"synchronize_session": False},
    )


class Heart:
    """Beats in a thread of its own until told to stop."""

    def __init__(self, database: Database, process: Process, doing: Callable[[], Doing]) -> None:
        self._database = database
        self._process = process
        self._doing = doing
        self._started_at: datetime | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Beat no more, and say so in the row."""
        self._stop.set()
        self._thread.join(timeout=5)
        with self._database.write() as session:
            stopped(session, self._process, now=self._database.now(session))

    def _run(self) -> None:
        while True:
            try:
                self._beat()
            except SQLAlchemyError as error:
                log.warning("heartbeat.failed", error=type(error).__name__)
            if self._stop.wait(BEAT_SECONDS):
                return

    def _beat(self) -> None:
        with self._database.write() as session:
            now = self._database.now(session)
            offset = (self._database.host_clock() - now).total_seconds()
            self._started_at = self._started_at or now
            beat(session, self._process, self._doing(), now=now, started_at=self._started_at, clock_offset=offset)
