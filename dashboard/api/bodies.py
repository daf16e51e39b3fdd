"""What comes in: bodies of bounded size, and JSON objects whose fields have the expected types."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.api.answers import problem
from sync_core.errors import BadInput

LONGEST_BODY = 1_000_000
DRAINED_BODY = 10_000_000
"""How much of a body that is too long is read and thrown away: a client that still writes when the
connection closes is reset, and never sees the answer."""

LONGEST_TEXT = 500
BODY = "shopsync.body"


class WholeBody:
    """Reads each body whole before the route runs, and refuses the byte that is one too many.

    So routes can be plain functions on threads, and a body without Content-Length is bounded too.
    """

    def __init__(self, app: ASGIApp, longest: int = LONGEST_BODY) -> None:
        self.app = app
        self.longest = longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = None if _declared(scope) > DRAINED_BODY else await _read(receive, self.longest)
        if body is None:
            refusal = problem(413, f"Body is longer than {self.longest} bytes", headers={"Connection": "close"})
            await refusal(scope, receive, send)
            return
        await self.app({**scope, BODY: body}, receive, send)


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:12])
    return 0


async def _read(receive: Receive, longest: int) -> bytes | None:
    """The body, or None when it is longer. A client that hangs up leaves what it sent: the route finds it wrong."""
    body, size, more = bytearray(), 0, True
    while more and size <= DRAINED_BODY:
        message = await receive()
        part = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size <= longest:
            body += part
    return bytes(body) if size <= longest else None


def raw_body(request: Request) -> bytes:
    """The request's bytes as they came."""
    body: bytes = request.scope[BODY]
    return body


def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Errors: BadInput."""
    try:
        content = orjson.loads(raw_body(request))
    except orjson.JSONDecodeError:
        raise BadInput("The body is not JSON") from None
    if not isinstance(content, dict):
        raise BadInput("The body must be a JSON object")
    return content


def text_field(content: dict[str, Any], name: str) -> str | None:
    """A field that is a text of at most LONGEST_TEXT characters, or None when it is absent or null.

    Errors: BadInput naming the field. NUL is refused because PostgreSQL stores none.
    """
    value = content.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadInput(f"{name} must be a string", field=name)
    if len(value) > LONGEST_TEXT or "\x00" in value:
        raise BadInput(f"{name} must be at most {LONGEST_TEXT} characters, without NUL", field=name)
    return value


def query_of(request: Request) -> dict[str, str]:
    """The query's parameters. Errors: BadInput for one given twice: which of them was checked would be unclear."""
    pairs = request.query_params.multi_items()
    twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
    if twice:
        raise BadInput(f"{twice[0][:40]} is given twice", field=twice[0][:40])
    return dict(pairs)
