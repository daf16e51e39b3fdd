"""What must survive a restart: small JSON documents by kind and key, in memory and, when asked, in an SQLite file."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

TABLE = "CREATE TABLE IF NOT EXISTS document (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key))"
UPSERT = "INSERT INTO document VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body"


class Journal:
    """Documents in memory, each change written through to the file."""

    def __init__(self, path: str | None = None) -> None:
        self._documents: dict[str, dict[str, Any]] = {}
        self._file = None if path is None else sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        if self._file is not None:
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(TABLE)
            for kind, key, body in self._file.execute("SELECT kind, key, body FROM document ORDER BY rowid"):
                self._documents.setdefault(kind, {})[key] = orjson.loads(body)

    def put(self, kind: str, key: str, body: Any) -> None:
        self._documents.setdefault(kind, {})[key] = body
        if self._file is not None:
            text = orjson.dumps(body).decode()
            self._file.execute(UPSERT, (kind, key, text))

    def get(self, kind: str, key: str) -> Any:
        """The document, or None."""
        return self._documents.get(kind, {}).get(key)

    def drop(self, kind: str, key: str) -> None:
        documents = self._documents.get(kind, {})
        if key not in documents:
            return
        del documents[key]
        if self._file is not None:
            self._file.execute("DELETE FROM document WHERE kind = ? AND key = ?", (kind, key))

    def find(self, kind: str, prefix: str = "") -> dict[str, Any]:
        """Key → document of every document whose key begins so."""
        return {key: body for key, body in self._documents.get(kind, {}).items() if key.startswith(prefix)}

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
