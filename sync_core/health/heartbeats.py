"""Signs of life of the processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync_core.heartbeat import SILENT_SECONDS
from sync_core.models import Heartbeat

SHOWN_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Process:
    """One process. Neither `alive` nor `stopped_at`: it fell silent at `seen_at`."""

    process: str
    role: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    stopped_at: datetime | None
    alive: bool
    clock_offset: float
    workers: int
    running: int
    doing: str | None
    pinged_at: datetime | None
    ping_error: str | None


def heartbeats(session: Session, *, now: datetime) -> list[Process]:
    """The processes that gave a sign of life within a day, living ones first, newest first."""
    recent = select(Heartbeat).where(Heartbeat.seen_at >= now - SHOWN_FOR)
    rows = session.execute(recent.order_by(Heartbeat.seen_at.desc(), Heartbeat.process)).scalars()
    return sorted((_process(row, now) for row in rows), key=lambda process: not process.alive)


def _process(row: Heartbeat, now: datetime) -> Process:
    return Process(
        process=row.process,
        role=row.role,
        host=row.host,
        pid=row.pid,
        version=row.version,
        started_at=row.started_at,
        seen_at=row.seen_at,
        stopped_at=row.stopped_at,
        alive=row.stopped_at is None and now - row.seen_at <= timedelta(seconds=SILENT_SECONDS),
        clock_offset=row.clock_offset,
        workers=row.workers,
        running=row.running,
        doing=row.doing,
        pinged_at=row.pinged_at,
        ping_error=row.ping_error,
    )
