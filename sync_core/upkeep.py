"""The books and the broom: roll up closed hours, delete what is old. Several processes may do it at once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import structlog

from sync_core import retention, rollup
from sync_core.config import Settings
from sync_core.db import Database

DAILY = timedelta(days=1)

log = structlog.get_logger()


class Upkeep:
    """What one process does for a database, in short transactions."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._swept_at: datetime | None = None
        self._known: rollup.Known = {}

    def work(self, stopping: threading.Event) -> None:
        """Roll up what has closed; once a day delete what is old. Ends early when told to stop.

        Errors: database errors pass through.
        """
        hours = rollup.roll_up(self._database, self._settings, stopping=stopping, known=self._known)
        if hours:
            log.info("rollup", hours=hours)
        with self._database.read() as session:
            now = self._database.now(session)
        if self._swept_at is None or now - self._swept_at >= DAILY:
            deleted = retention.sweep_out(self._database, self._settings, now=now, stopping=stopping)
            self._swept_at = now
            log.info("retention", **deleted)
