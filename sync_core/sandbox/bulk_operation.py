"""One bulk operation as the Admin API shows it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync_core.sandbox.moments import DAY_SECONDS, iso
from sync_core.sandbox.rows import gid
from sync_core.sandbox.table import Row

FILE_SECONDS = 7 * DAY_SECONDS


@dataclass
class Operation:
    """One bulk query of one shop; counts grow while it runs."""

    number: int
    query: str
    created: float
    path: Path
    status: str = "CREATED"
    error: str | None = None
    completed: float | None = None
    objects: int = 0
    roots: int = 0
    partial_from: float = 0.0
    """Since when the partial data of a failed one can be had."""
    signature: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def identity(self) -> str:
        return gid("BulkOperation", self.number)

    @property
    def over(self) -> bool:
        return self.completed is not None

    @property
    def expires(self) -> int:
        return int((self.completed or self.created) + FILE_SECONDS)

    def url(self, origin: str) -> str:
        query = f"GoogleAccessId=sandbox&Expires={self.expires}&Signature={self.signature}"
        return f"{origin}/_storage/{self.path.name}?{query}"

    def row(self, origin: str, now: float) -> Row:
        """The BulkOperation object; its counts are text."""
        kept = self.objects > 0 and now < self.expires
        done, failed = self.status == "COMPLETED", self.status == "FAILED"
        return {
            "__typename": "BulkOperation",
            "id": self.identity,
            "status": self.status,
            "errorCode": self.error,
            "type": "QUERY",
            "query": self.query,
            "createdAt": iso(int(self.created)),
            "completedAt": None if self.completed is None else iso(int(self.completed)),
            "objectCount": str(self.objects),
            "rootObjectCount": str(self.roots),
            "fileSize": str(self.path.stat().st_size) if kept and self.over else None,
            "url": self.url(origin) if kept and done else None,
            "partialDataUrl": self.url(origin) if kept and failed and now >= self.partial_from else None,
        }

    def payload(self) -> dict[str, Any]:
        """What the bulk_operations/finish webhook says: words in lower case, no url."""
        return {
            "admin_graphql_api_id": self.identity,
            "completed_at": iso(int(self.completed or 0)),
            "created_at": iso(int(self.created)),
            "error_code": self.error and self.error.lower(),
            "status": self.status.lower(),
            "type": "query",
        }
