"""What the routes work with, made once a process and only when the first of them needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

import httpx
from starlette.requests import Request

from sync_core.config import Settings, load_settings
from sync_core.db import Database, open_database
from sync_core.vault import Vault, open_vault


@dataclass(frozen=True)
class Desk:
    """Settings, database, vault, the client for calls to Shopify, the wall clock."""

    settings: Settings
    database: Database
    vault: Vault
    http: httpx.Client
    clock: Callable[[], datetime]
    patience_seconds: float = 300
    """How long `?wait=1` waits for the end of a sync."""
    glance_seconds: float = 0.5
    """How often it looks."""

    def close(self) -> None:
        self.http.close()
        self.database.close()


def wall_clock() -> datetime:
    return datetime.now(UTC)


def open_desk() -> Desk:
    """A desk by the environment's settings; nothing is connected yet. Errors: BadSetting."""
    settings = load_settings()
    return Desk(
        settings=settings,
        database=open_database(settings, host_clock=wall_clock),
        vault=open_vault(settings),
        http=httpx.Client(follow_redirects=False),
        clock=wall_clock,
    )


class Door:
    """Opens the desk when it is first needed: importing the app touches nothing."""

    def __init__(self, opener: Callable[[], Desk] = open_desk) -> None:
        self._opener = opener
        self._lock = Lock()
        self._desk: Desk | None = None

    def desk(self) -> Desk:
        """The desk, the same one each time. Errors: BadSetting."""
        with self._lock:
            if self._desk is None:
                self._desk = self._opener()
            return self._desk

    def close(self) -> None:
        with self._lock:
            if self._desk is not None:
                self._desk.close()
            self._desk = None


def desk_of(request: Request) -> Desk:
    """The desk of the app that this request came to."""
    door: Door = request.app.state.door
    return door.desk()
