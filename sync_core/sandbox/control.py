"""Steers a running sandbox over HTTP."""

from __future__ import annotations

import httpx


class SandboxControl:
    """The control API as methods; `base_url` is where the sandbox listens."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=base_url, timeout=60)

    def close(self) -> None:
        self._http.close()
