"""What each fault does to an answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sync_core.sandbox.faults import Fault

INVALID_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"
BODIES: dict[int, Any] = {
    400: {"errors": {"query": "Required parameter missing or invalid"}},
    401: {"errors": INVALID_TOKEN},
    402: {"errors": "Unavailable Shop"},
    403: {"errors": "[API] This action requires merchant approval for read_products scope."},
    404: {"errors": "Not Found"},
    409: {"errors": "Conflict"},
    423: {"errors": "Locked"},
    429: {"errors": "Exceeded 2 calls per second for api client. Reduce request rates to resume."},
    430: {"errors": "Shopify Security Rejection"},
    500: {"errors": "Internal Server Error"},
    503: {"errors": "Service Unavailable"},
}
RETRY_AFTER_SECONDS = 2.0
LOCKED_MESSAGE = "The shop is not active. It was deactivated for repeatedly exceeding API rate limits or fraud risk."


class TornResponse(Response):
    """Sends its body under the length of a longer one, and closes."""

    def __init__(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        super().__init__(body, status)
        self.raw_headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})
        await close(receive, reset=False)


class NoResponse(Response):
    """Closes the connection without a word."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await close(receive, reset=True)


async def close(receive: Receive, *, reset: bool) -> None:
    """Closes the client's connection under the server (uvicorn). Elsewhere raises ConnectionResetError."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the sandbox closed this connection on purpose")
    if reset:
        linger = struct.pack("ii", 1, 0)
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    else:
        transport.close()
    # The server learns of it on the loop's next turns; returning sooner would log a server error.
    while not getattr(receive.__self__, "disconnected", True):  # type: ignore[attr-defined]
        await asyncio.sleep(0.001)


def status_response(fault: Fault, request_id: str) -> Response:
    """An HTTP status with the body and the headers Shopify sends with it."""
    status = int(fault.kind)
    headers = {"X-Request-Id": request_id, "Content-Type": "application/json; charset=utf-8"}
    if status == 429 or fault.retry_after is not None:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS if fault.retry_after is None else fault.retry_after)
    if status not in BODIES:
        headers["Content-Type"] = "text/html"
        return Response(f"<html><title>{status}</title></html>", status, headers)
    body = {"errors": fault.message} if fault.message else BODIES[status]
    return Response(orjson.dumps(body), status, headers)


def spoiled(answer: Response, fault: Fault | None) -> Response:
    """The answer of a request that was carried out, or what a fault leaves of it."""
    if fault is not None and fault.kind == "lost":
        return NoResponse()
    if fault is not None and fault.kind == "half":
        body = bytes(answer.body)
        return TornResponse(body[: len(body) // 2], answer.status_code, dict(answer.headers))
    return answer


async def sleep(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)
