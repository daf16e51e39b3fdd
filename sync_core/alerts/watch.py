"""The watch that every process with pages or API keeps, and the scheduler: judge, write down, deliver.

So a dead scheduler is noticed by the others, and a dead web process by the scheduler.
"""

from __future__ import annotations

import threading

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from sync_core.alerts.book import keep
from sync_core.alerts.channels import Send, send_by_apprise
from sync_core.alerts.deliver import deliver
from sync_core.alerts.outage import Outage
from sync_core.config import Settings
from sync_core.db import Database

LOOK_SECONDS = 10.0
FIRST_LOOK_SECONDS = 30.0
"""After a start: processes start in any order, and the scheduler's first check comes first."""
STOP_SECONDS = 3.0

log = structlog.get_logger()


class Watch:
    """Looks in a thread of its own until told to stop."""

    def __init__(self, database: Database, settings: Settings, *, send: Send = send_by_apprise) -> None:
        self._database = database
        self._settings = settings
        self._send = send
        self._outage = Outage(settings, send)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Look no more. A channel that does not answer is not waited for: another process sends it later."""
        self._stop.set()
        self._thread.join(timeout=STOP_SECONDS)

    def _run(self) -> None:
        """Look every 10 s, more often where checks run more often than every 40 s."""
        period = self._settings.sweep_period_seconds
        wait = min(FIRST_LOOK_SECONDS, period)
        while not self._stop.wait(wait):
            self.look()
            wait = min(LOOK_SECONDS, period / 4)

    def look(self) -> None:
        """Judge and deliver once; never raises."""
        try:
            keep(self._database, self._settings)
            self._outage.answered(self._database)
            deliver(self._database, self._settings, send=self._send)
        except (OperationalError, InterfaceError) as error:
            self._outage.failed(type(error.orig or error).__name__, now=self._database.host_clock())
        except SQLAlchemyError as error:
            log.warning("alert.look_failed", error=type(error).__name__)
        except Exception:
            log.exception("alert.look_failed")
