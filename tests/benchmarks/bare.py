"""The floor for the claim loop: a bare SQL loop, straight on the driver, that writes the same rows.

Per shop: claimed (shop_sync, the app's row, attempt, transition, install; one transaction for a
batch), then completed (the same five, one transaction each).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sync_core.columns import new_id
from sync_core.db import Database

SELECT = (
    "SELECT shop_id, fence FROM {s}shop_sync WHERE priority = 0 AND wake_at <= ? "
    "ORDER BY wake_at, shop_id LIMIT ?{lock}"
)
CLAIM = (
    "UPDATE {s}shop_sync SET status = 'IN_PROGRESS', fence = fence + 1, lease_owner = 'bare', due_at = ?, wake_at = ?, "
    "since = ?, progress_at = ? WHERE shop_id = ? AND wake_at <= ?"
)
MIRROR = 'UPDATE "Shop" SET "syncStatus" = ? WHERE id = ?'
ATTEMPT = (
    "INSERT INTO {s}sync_attempt (id, shop_id, generation, fence, number, trigger, mode, taken_by, requested_at, "
    "claimed_at) "
    "VALUES (?, ?, 1, ?, 1, 'wake', 'changes', 'bare', ?, ?)"
)
TRANSITION = (
    "INSERT INTO {s}transition (id, shop_id, generation, at, from_status, to_status, event, who, fence) "
    "VALUES (?, ?, 1, ?, ?, ?, ?, 'bare', ?)"
)
COMPLETE = (
    "UPDATE {s}shop_sync SET status = 'COMPLETED', lease_owner = NULL, due_at = NULL, wake_at = NULL, "
    "priority = 2, since = ?, "
    "last_synced_at = ?, first_synced_at = coalesce(first_synced_at, ?), cursor = '{{}}', held = '{{}}' "
    "WHERE shop_id = ? AND fence = ? AND status = 'IN_PROGRESS'"
)
END = (
    "UPDATE {s}sync_attempt SET ended_at = ?, outcome = 'completed', progress = '{{}}', requests = 1, points = 1, "
    "bytes = 1 "
    "WHERE id = ?"
)
PICKED_UP = (
    "UPDATE {s}install SET first_claimed_at = ?, path = 'wake' "
    "WHERE shop_id = ? AND generation = 1 AND first_claimed_at IS NULL"
)
SYNCED = "UPDATE {s}install SET first_synced_at = ? WHERE shop_id = ? AND generation = 1 AND first_synced_at IS NULL"
MIRROR_DONE = 'UPDATE "Shop" SET "syncStatus" = ?, "lastSyncAt" = ? WHERE id = ?'


class Bare:
    """The loop on one connection of the database's own driver."""

    def __init__(self, database: Database) -> None:
        self._postgres = database.is_postgres
        self._pooled = database.engine.raw_connection()
        self._driver: Any = self._pooled.driver_connection
        names = {
            "s": "shopsync." if self._postgres else "",
            "lock": " FOR UPDATE SKIP LOCKED" if self._postgres else "",
        }
        self._sql = {text: self._native(text.format(**names)) for text in ALL}

    def _native(self, text: str) -> str:
        if not self._postgres:
            return text
        return text.replace("?", "%s").replace('SET "syncStatus" = %s', 'SET "syncStatus" = %s::"SyncStatus"')

    def _moment(self, moment: datetime) -> Any:
        plain = moment.replace(tzinfo=None)
        return plain if self._postgres else plain.isoformat(sep=" ", timespec="microseconds")

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        cursor = self._driver.cursor()
        cursor.execute("BEGIN" if self._postgres else "BEGIN IMMEDIATE")
        yield cursor
        cursor.execute("COMMIT")

    def claim(self, now: datetime, limit: int) -> list[tuple[str, int, str]]:
        """Take up to `limit`: (shop, fence, attempt)."""
        at, lease = self._moment(now), self._moment(now + timedelta(seconds=60))
        taken = []
        with self._transaction() as cursor:
            for shop_id, fence in cursor.execute(self._sql[SELECT], (at, limit)).fetchall():
                attempt = new_id()
                cursor.execute(self._sql[CLAIM], (lease, lease, at, at, shop_id, at))
                cursor.execute(self._sql[MIRROR], ("IN_PROGRESS", shop_id))
                cursor.execute(self._sql[ATTEMPT], (attempt, shop_id, fence + 1, at, at))
                words = ("PENDING", "IN_PROGRESS", "claimed")
                cursor.execute(self._sql[TRANSITION], (new_id(), shop_id, at, *words, fence + 1))
                cursor.execute(self._sql[PICKED_UP], (at, shop_id))
                taken.append((shop_id, fence + 1, attempt))
        return taken

    def complete(self, now: datetime, shop_id: str, fence: int, attempt: str) -> None:
        at = self._moment(now)
        with self._transaction() as cursor:
            cursor.execute(self._sql[COMPLETE], (at, at, at, shop_id, fence))
            cursor.execute(self._sql[END], (at, attempt))
            cursor.execute(self._sql[MIRROR_DONE], ("COMPLETED", at, shop_id))
            words = ("IN_PROGRESS", "COMPLETED", "completed")
            cursor.execute(self._sql[TRANSITION], (new_id(), shop_id, at, *words, fence))
            cursor.execute(self._sql[SYNCED], (at, shop_id))

    def close(self) -> None:
        self._pooled.close()


ALL = (SELECT, CLAIM, MIRROR, ATTEMPT, TRANSITION, COMPLETE, END, MIRROR_DONE, PICKED_UP, SYNCED)
