"""A sandbox in a thread of this process, on a free loopback port: for tests and for the demo."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.control import SandboxControl
from sync_core.sandbox.moments import Clock
from sync_core.sandbox.server import server_of

START_SECONDS = 10.0


@dataclass(frozen=True)
class Running:
    """`url`: where it listens; `base_url`: the SHOPIFY_BASE_URL template; `control` steers it."""

    url: str
    control: SandboxControl
    config: SandboxConfig

    @property
    def base_url(self) -> str:
        return f"{self.url}/{{shop}}"


@contextmanager
def running(config: SandboxConfig | None = None, *, clock: Clock = time.time) -> Iterator[Running]:
    """Starts a real server and stops it at the end. Raises RuntimeError when it does not start."""
    config = config or SandboxConfig()
    listener = _listen(config.host)
    server = server_of(config, listener.getsockname()[1], clock=clock)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    _await_start(server, thread)
    url = f"http://{config.host}:{listener.getsockname()[1]}"
    control = SandboxControl(url)
    try:
        yield Running(url, control, config)
    finally:
        control.close()
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()


def _listen(host: str) -> socket.socket:
    # asyncio sets TCP_NODELAY only where the protocol is named; without it each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, 0))
    listener.listen(256)
    return listener


def _await_start(server: object, thread: threading.Thread) -> None:
    until = time.monotonic() + START_SECONDS
    while not getattr(server, "started", False):
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("the sandbox did not start")
        time.sleep(0.005)
