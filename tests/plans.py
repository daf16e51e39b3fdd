"""What an engine does for the very statements that the product sends it: recorded as they pass, then explained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from sync_core.db import Database


@dataclass(frozen=True)
class Sent:
    """A statement as the driver got it."""

    sql: str
    parameters: Any

    def plan(self, database: Database) -> str:
        """The engine's plan for it, one step a line."""
        word = "EXPLAIN" if database.is_postgres else "EXPLAIN QUERY PLAN"
        with database.write() as session:
            rows = session.connection().exec_driver_sql(f"{word} {self.sql}", self.parameters).fetchall()
            session.rollback()
        return "\n".join(str(row[-1]) for row in rows)


@contextmanager
def selects(database: Database, table: str) -> Iterator[list[Sent]]:
    """Fills with each SELECT that reads `table` while the block lasts."""
    found: list[Sent] = []

    def keep(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_more: Any) -> None:
        if sql.startswith("SELECT") and f"{table} " in sql.replace("\n", " ") + " ":
            found.append(Sent(sql, parameters))

    event.listen(database.engine, "before_cursor_execute", keep)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", keep)
