"""What goes out: JSON that nobody caches, errors as `{"error": …}`, moments as UTC text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Install</title><h1>This did not work</h1><p>{words}</p></html>
"""


def answer(content: Mapping[str, Any], status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, never cached. A moment in `content` must be text already, see `stamp`."""
    return Response(
        orjson.dumps(content),
        status,
        headers={**HEADERS, **(headers or {})},
        media_type="application/json",
    )


def problem(status: int, words: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """An error in words; `more` are further fields of the answer."""
    return answer({"error": words, **more}, status, headers=headers)


def problem_for(request: Request, status: int, words: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """The same as a small page for a merchant's browser, where it asks for one."""
    if not (request.url.path.startswith("/auth") and "text/html" in request.headers.get("accept", "")):
        return problem(status, words, headers=headers)
    policy = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
    return HTMLResponse(PAGE.format(words=escape(words)), status, headers={**HEADERS, **policy, **(headers or {})})


def stamp(moment: datetime | None) -> str | None:
    """2026-11-24T09:30:00.000Z, or None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
