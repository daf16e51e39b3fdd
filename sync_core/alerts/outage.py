"""The one alert that cannot be kept in the database: that the database does not answer.

One process a host tells of it: whoever makes the file beside the others, exclusively. Whoever removes it tells of the
recovery and writes both into the book.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from sync_core.alerts import mends
from sync_core.alerts.channels import Letter, Send, channels
from sync_core.alerts.snapshot import Message, Severity
from sync_core.alerts.words import OPENED, RECOVERED, as_json, body, title
from sync_core.columns import new_id
from sync_core.config import Settings, state_folder
from sync_core.db import Database
from sync_core.models import Alert, AlertMessage

KEY = "database"
PATIENCE = timedelta(seconds=30)
"""A restart of the database is shorter than this."""
FILE = "alert-database-unreachable"

log = structlog.get_logger()


class Outage:
    """What one process knows of the database's silence."""

    def __init__(self, settings: Settings, send: Send) -> None:
        self._settings = settings
        self._send = send
        self._since: datetime | None = None
        self._file = state_folder(settings) / FILE

    def failed(self, why: str, *, now: datetime) -> None:
        """The database did not answer; `why` is the kind of error only. Tells once it has lasted."""
        self._since = self._since or now
        if now - self._since < PATIENCE or not _made(self._file, self._since):
            return
        if not self._tell(_message(self._since, why), OPENED, at=now):
            self._file.unlink(missing_ok=True)

    def answered(self, database: Database) -> None:
        """The database answers. Tells so when somebody was told that it did not. Errors: database errors."""
        self._since = None
        since = _removed(self._file)
        if since is None:
            return
        message = _message(since, "")
        with database.write() as session:
            now = database.now(session)
            _book(session, message, now)
        self._tell(message, RECOVERED, at=now)

    def _tell(self, message: Message, event: str, *, at: datetime) -> bool:
        """Whether each channel took it."""
        kind = "success" if event == RECOVERED else "failure"
        text = body(message, event, at=at, address=f"{self._settings.app_url}{message.link}")
        letter = Letter(title(message, event, environment=self._settings.environment), text, kind)
        refused = [self._send(channel, letter) for channel in channels(self._settings, Severity.PAGE)]
        for why in filter(None, refused):
            log.warning("alert.not_delivered", key=KEY, why=why)
        return not any(refused)


def _message(since: datetime, why: str) -> Message:
    return Message(
        title="The database does not answer",
        act=True,
        since=since,
        shops=(),
        n=0,
        capped=False,
        cause=f"{mends.UNREACHABLE.cause}: {why}" if why else mends.UNREACHABLE.cause,
        action=mends.UNREACHABLE.action,
        link="/system",
    )


def _book(session: Session, message: Message, now: datetime) -> None:
    """It was told outside the book; here it is for those who look later."""
    row = Alert(
        id=new_id(),
        key=KEY,
        severity=Severity.PAGE.value,
        message=as_json(message),
        opened_at=message.since,
        judged_at=now,
        recovered_at=now,
    )
    session.add(row)
    for event, at in ((OPENED, message.since), (RECOVERED, now)):
        session.add(
            AlertMessage(alert_id=row.id, event=event, severity=row.severity, at=at, next_at=at, sent_at=now, tries=1)
        )


def _made(path: Path, since: datetime) -> bool:
    """Make the file; False when another process has. A folder that cannot be written leaves it to the others."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x") as file:
            file.write(since.isoformat())
    except FileExistsError:
        return False
    except OSError as error:
        log.warning("alert.no_file", error=type(error).__name__)
        return False
    return True


def _removed(path: Path) -> datetime | None:
    """Since when, for the one process that removes the file."""
    try:
        since = datetime.fromisoformat(path.read_text())
        path.unlink()
    except (FileNotFoundError, ValueError):
        return None
    return since
