"""Database calls that fail: in a run's own thread the n-th one, n being the number in its shop's name.

`FAIL_CALLS` is one of
  statement  the n-th statement fails, once a shop
  silence    from the n-th statement on all of that run fail: it cannot even book its failure
  commit     the n-th commit fails before it reaches the database
  answer     the n-th commit is done, and its answer is lost
  loops:n    every n-th statement of the threads that claim, renew, sweep and beat fails
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Mapping
from itertools import count
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

MARK = "this call fails:"
NUMBER = re.compile(r"-(\d+)\.myshopify\.com$")


class BadCalls:
    """Counts calls by thread and says which of them fail."""

    def __init__(self, kind: str) -> None:
        self.kind, _, every = kind.partition(":")
        self.every = int(every or 0)
        self._thread = threading.local()
        self._seen: set[str] = set()
        self._loops = count(1)

    def listen(self) -> None:
        """To every engine of this process."""
        if self.kind in ("statement", "silence", "loops"):
            event.listen(Engine, "before_cursor_execute", self._statement)
        else:
            event.listen(Engine, "commit", self._commit)

    def _statement(self, *_call: Any) -> None:
        if self._fails():
            raise _lost()

    def _commit(self, connection: Connection) -> None:
        if self._fails():
            if self.kind == "answer":
                connection.connection.commit()
            raise _lost()

    def _fails(self) -> bool:
        name = threading.current_thread().name
        found = NUMBER.search(name)
        if found is None:
            return self.kind == "loops" and next(self._loops) % self.every == 0
        return self._run_fails(name, int(found[1]))

    def _run_fails(self, name: str, at: int) -> bool:
        """The first run of each shop meets its fault; the next ones are spared."""
        mine = self._thread
        if not hasattr(mine, "passed"):
            mine.passed, mine.spared = 0, name in self._seen
            self._seen.add(name)
        mine.passed += 1
        if not mine.spared and mine.passed == at:
            os.write(1, f"{MARK} {name}\n".encode())
            return True
        return not mine.spared and self.kind == "silence" and mine.passed > at


def _lost() -> OperationalError:
    return OperationalError("statement", {}, sqlite3.OperationalError("the connection is lost (a test)"))


def arm(environment: Mapping[str, str]) -> None:
    """Fail as FAIL_CALLS says; nothing without it."""
    if kind := environment.get("FAIL_CALLS"):
        BadCalls(kind).listen()
