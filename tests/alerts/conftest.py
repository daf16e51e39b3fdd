"""A book on a real database, and a webhook on loopback that really receives what is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select

from sync_core.alerts.book import settle
from sync_core.alerts.channels import Channel, Letter
from sync_core.alerts.snapshot import Alarm, Facts, Message, Severity
from sync_core.db import Database
from sync_core.models import Alert, AlertMessage
from tests.conftest import Clock


@dataclass
class Webhook:
    """A receiver on loopback: what it was sent, and the statuses that it answers next (200 when none is left)."""

    port: int
    got: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        """As Apprise wants it; the path stands for a secret."""
        return f"json://127.0.0.1:{self.port}/planted-secret"

    @property
    def titles(self) -> list[str]:
        return [letter["title"] for letter in self.got]


@contextmanager
def receiving() -> Iterator[Webhook]:
    """A webhook that listens on a free port of loopback."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = webhook.answers.pop(0) if webhook.answers else 200
            if status == 200:
                webhook.got.append(json.loads(body))
            self.answer(status)

        def do_GET(self) -> None:
            webhook.got.append({"title": self.path})
            self.answer(webhook.answers.pop(0) if webhook.answers else 200)

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing on the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    webhook = Webhook(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with receiving() as one:
        yield one


@dataclass
class Postbox:
    """A channel without a network: letters that it took, and how often it refuses first."""

    refusals: int = 0
    letters: list[tuple[str, Letter]] = field(default_factory=list)
    tried: int = 0

    def __call__(self, channel: Channel, letter: Letter) -> str | None:
        self.tried += 1
        if self.refusals:
            self.refusals -= 1
            return f"{channel.name}: answered HTTP 503"
        self.letters.append((channel.name, letter))
        return None

    @property
    def titles(self) -> list[str]:
        return [letter.title for _, letter in self.letters]


MakeFacts = Callable[..., Facts]


@pytest.fixture
def facts(now: datetime) -> MakeFacts:
    """`facts(workers_alive=False)`: a healthy fleet's facts but for what is said."""

    def make(**other: Any) -> Facts:
        healthy: dict[str, Any] = {
            "at": now,
            "period": timedelta(minutes=5),
            "anybody": True,
            "watched_since": now - timedelta(days=3),
            "last_good_at": now - timedelta(minutes=1),
            "check_error": None,
            "scheduler_alive": True,
            "scheduler_seen_at": now - timedelta(seconds=4),
            "workers_alive": True,
            "workers_free": 12,
            "over_limit": 0,
        }
        return Facts(**(healthy | other))

    return make


def alarm(key: str = "checks", severity: Severity = Severity.PAGE, **other: Any) -> Alarm:
    """An alarm about anything."""
    plain: dict[str, Any] = {
        "title": "The safety check does not run",
        "act": True,
        "since": datetime.fromisoformat("2026-11-02T09:00:00+00:00"),
        "shops": (),
        "n": 0,
        "capped": False,
        "cause": "The scheduler gives no sign of life",
        "action": "Start it: python scheduler.py",
        "link": "/system",
    }
    return Alarm(key, severity, Message(**(plain | other)))


@dataclass
class Book:
    """The rows of the book, and looks at a moment of the test's clock."""

    database: Database
    clock: Clock

    def settle(self, *alarms: Alarm, **later: float) -> None:
        """What a process writes that sees these alarms, `later` than now."""
        self.clock.advance(**later)
        with self.database.write() as session:
            settle(session, alarms, now=self.database.now(session))

    @property
    def alerts(self) -> list[Alert]:
        with self.database.read() as session:
            return list(session.execute(select(Alert).order_by(Alert.opened_at, Alert.key)).scalars())

    @property
    def messages(self) -> list[AlertMessage]:
        with self.database.read() as session:
            return list(session.execute(select(AlertMessage).order_by(AlertMessage.at, AlertMessage.id)).scalars())

    @property
    def events(self) -> list[str]:
        return [message.event for message in self.messages]


@pytest.fixture
def book(database: Database, clock: Clock) -> Book:
    return Book(database, clock)
