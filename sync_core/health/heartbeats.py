"""Signs of life of the processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Process:
    """One process. `silent` is None while alive or stopped in order, else since when it is silent."""

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


def heartbeats(session: Session, *, now: datetime) -> list[Process]:
    """The processes that gave a sign of life within a day, living ones first, newest first."""
    raise NotImplementedError
