"""The dead man's switch: asked after each good check, so that somebody outside notices when we fall silent.

In a thread of its own: a switch that does not answer must not hold up a check.
"""

from __future__ import annotations

import threading

import httpx
import structlog
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import Heartbeat

TRIES = 3
TIMEOUT_SECONDS = 10.0
STOP_SECONDS = 3.0

log = structlog.get_logger()


class DeadMansSwitch:
    """Pings HEALTHCHECK_PING_URL; does nothing when that is not set."""

    def __init__(self, database: Database, settings: Settings, *, process: str) -> None:
        self._database = database
        self._url = settings.healthcheck_ping_url
        self._process = process
        self._told_of: int | None = None
        self._due = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="switch", daemon=True)

    def start(self) -> None:
        if self._url is not None:
            self._thread.start()

    def stop(self) -> None:
        """Ping no more; a switch that does not answer is not waited for."""
        self._stop.set()
        self._due.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def good_check(self, slot: int) -> None:
        """Ping soon, once for the check of a slot, whoever ran it; returns at once."""
        if slot != self._told_of:
            self._told_of = slot
            self._due.set()

    def _run(self) -> None:
        with httpx.Client(timeout=TIMEOUT_SECONDS) as http:
            while self._due.wait() and not self._stop.is_set():
                self._due.clear()
                self._ping(http)

    def _ping(self, http: httpx.Client) -> None:
        error = _error_of(http, self._url.get_secret_value() if self._url else "")
        if error:
            log.warning("ping.failed", why=error)
        try:
            with self._database.write() as session:
                note = update(Heartbeat).where(Heartbeat.process == self._process)
                session.execute(note.values(pinged_at=self._database.now(session), ping_error=error))
        except SQLAlchemyError as failure:
            log.warning("ping.not_noted", error=type(failure).__name__)


def _error_of(http: httpx.Client, url: str) -> str | None:
    """What went wrong after a few tries, without the address (it is a secret); None: it was heard."""
    retrying = Retrying(
        stop=stop_after_attempt(TRIES),
        retry=retry_if_exception_type(httpx.HTTPError),
        wait=wait_exponential_jitter(multiplier=0.3, max=3),
    )
    try:
        retrying(lambda: http.get(url).raise_for_status())
    except RetryError as error:
        last = error.last_attempt.exception()
        return f"HTTP {last.response.status_code}" if isinstance(last, httpx.HTTPStatusError) else type(last).__name__
    return None
