"""Where the files of bulk operations are fetched: a signed URL, no token, ranges, as Google's storage answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sync_core.sandbox.bulk_operation import Operation
from sync_core.sandbox.faults import Fault
from sync_core.sandbox.misbehaviour import NoResponse, TornResponse, sleep, status_response
from sync_core.sandbox.world import World

BLOCK = 1 << 18
RANGE = re.compile(r"bytes=(\d+)-")
LEFT_OUT = 0.1
"""The share of its bytes that a `short` file lacks."""


async def download(request: Request) -> Response:
    """GET /_storage/{name}?Expires=&Signature="""
    world: World = request.app.state.world
    found = world.operations.stored(request.path_params["name"])
    if found is None:
        return _refused(404, "NoSuchKey")
    shop, operation = found
    fault = shop.faults.pick("bulk_file")
    answer = await _answer(request, world, operation, fault)
    facts = {"after": _start(request), "token_sent": "x-shopify-access-token" in request.headers}
    world.note(shop, "bulk_file", answer.status_code, fault=fault and fault.kind, first=None, **facts)
    return answer


async def _answer(request: Request, world: World, operation: Operation, fault: Fault | None) -> Response:
    if fault is not None:
        await sleep(fault.seconds)
        if fault.kind == "reset":
            return NoResponse()
        if fault.kind.isdecimal():
            return status_response(fault, world.request_id())
    if request.query_params.get("Signature") != operation.signature:
        return _refused(403, "SignatureDoesNotMatch")
    if world.clock() >= operation.expires:
        return _refused(400, "ExpiredToken")
    return _file(operation.path, _start(request), fault)


def _file(path: Path, start: int, fault: Fault | None) -> Response:
    size = path.stat().st_size
    end = int(size * (1 - LEFT_OUT)) if fault is not None and fault.kind == "short" else size
    if start >= end:
        return _refused(416, "InvalidRange")
    headers = {"Content-Length": str(end - start), "Content-Type": "application/jsonl", "Accept-Ranges": "bytes"}
    if start:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{end}"
    status = 206 if start else 200
    if fault is not None and fault.kind == "half":
        return TornResponse(b"".join(_blocks(path, start, start + (end - start) // 2)), status, headers)
    return StreamingResponse(_blocks(path, start, end), status, headers)


def _blocks(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (block := file.read(min(BLOCK, end - start))):
            start += len(block)
            yield block


def _start(request: Request) -> int:
    found = RANGE.fullmatch(request.headers.get("range", ""))
    return int(found[1]) if found else 0


def _refused(status: int, code: str) -> Response:
    return Response(f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>", status)
