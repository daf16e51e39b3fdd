"""What is done beside the syncs: again and again, whatever went wrong the last time, until told to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sync_core import chores
from sync_core.chores import Chore
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.models import WebhookInbox
from sync_core.runner import Tools
from sync_core.shopify.client import open_http
from sync_core.shopify.throttle import Limiters
from sync_core.vault import open_vault
from tests.conftest import Clock


class Rounds(threading.Event):
    """Tells each thread to stop after so many waits, which are over at once."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.waits: list[float | None] = []
        self._rounds = rounds
        self._mine = threading.local()

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        self._mine.done = getattr(self._mine, "done", 0) + 1
        return self._mine.done > self._rounds


@pytest.fixture
def tools(database: Database, settings: Settings) -> Iterator[Tools]:
    with open_http() as http:
        yield Tools(settings, database, open_vault(settings), http, Limiters())


def test_a_chore_that_failed_is_done_again() -> None:
    done: list[int] = []

    def act() -> None:
        done.append(len(done))
        raise RuntimeError

    rounds = Rounds(3)
    Chore("any", 7.0, act).repeat(rounds)

    assert done == [0, 1, 2]
    assert rounds.waits == [7.0] * 4


def test_the_chores_work_shopifys_messages(tools: Tools, clock: Clock) -> None:
    message = WebhookInbox(webhook_id="w", topic="shop/update", shop_domain="a.myshopify.com", received_at=clock())
    with tools.database.write() as session:
        message.body = "{}"
        session.add(message)

    for thread in chores.begin(tools, Rounds(1)):
        thread.join()

    with tools.database.read() as session:
        assert session.get_one(WebhookInbox, "w").result == "ignored: not installed"
