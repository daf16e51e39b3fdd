"""A Shopify that answers from memory: each answer is the sandbox's, fetched once, then repeated at once.

`python -m tests.benchmarks.canned PORT SANDBOX_URL`: a process of its own, so that what it costs is not ours.
The sandbox resolves GraphQL in Python and would be most of what a benchmark measures.
"""

from __future__ import annotations

import re
import sys

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

JSON = "application/json"
PASSED = ("content-type", "x-request-id", "x-shopify-api-version")
PASS = re.compile(rb"# pass of [^\\]*")
"""What makes the text of each bulk query its own."""


def app_of(sandbox: str, own: str) -> Starlette:
    """The server; what is asked again is answered from memory. Files that the sandbox names are fetched through it."""
    known: dict[tuple[str, bytes], tuple[bytes, dict[str, str]]] = {}
    http = httpx.AsyncClient(base_url=sandbox, timeout=300)

    async def answer(request: Request) -> Response:
        body = await request.body()
        asked = (request.url.path, PASS.sub(b"", body))
        if asked in known:
            content, headers = known[asked]
            return Response(content, headers=headers)
        token = {"X-Shopify-Access-Token": request.headers.get("X-Shopify-Access-Token", "")}
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        found = await http.request(request.method, path, content=body, headers={"Content-Type": JSON, **token})
        content = found.content.replace(sandbox.encode(), own.encode())
        headers = {name: found.headers[name] for name in PASSED if name in found.headers}
        unfinished = b"BulkStatus" in body and b'"COMPLETED"' not in content
        if found.status_code == 200 and not unfinished:
            known[asked] = (content, headers)
        return Response(content, found.status_code, headers=headers)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


if __name__ == "__main__":
    address = f"http://127.0.0.1:{sys.argv[1]}"
    uvicorn.run(app_of(sys.argv[2], address), port=int(sys.argv[1]), log_level="error", access_log=False)
