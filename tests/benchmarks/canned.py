"""A Shopify that answers from memory: each answer is the sandbox's, fetched once, then repeated at once.

`python -m tests.benchmarks.canned PORT SANDBOX_URL`: a process of its own, so that what it costs is not ours.
The sandbox resolves GraphQL in Python and would be most of what a benchmark measures.
"""

from __future__ import annotations

import sys

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PASSED = ("content-type", "x-request-id", "x-shopify-api-version")


def app_of(sandbox: str) -> Starlette:
    """The server; what is asked again is answered from memory, byte for byte."""
    known: dict[tuple[str, bytes], tuple[bytes, dict[str, str]]] = {}
    http = httpx.AsyncClient(base_url=sandbox, timeout=300)

    async def answer(request: Request) -> Response:
        asked = (request.url.path, await request.body())
        if asked not in known:
            token = {"X-Shopify-Access-Token": request.headers["X-Shopify-Access-Token"]}
            found = await http.post(asked[0], content=asked[1], headers={"Content-Type": "application/json", **token})
            if found.status_code != 200:
                return Response(found.content, found.status_code)
            known[asked] = (found.content, {name: found.headers[name] for name in PASSED if name in found.headers})
        content, headers = known[asked]
        return Response(content, headers=headers)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(app_of(sys.argv[2]), port=int(sys.argv[1]), log_level="error", access_log=False)
