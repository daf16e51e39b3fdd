"""Pages and API on one port, and the API alone, as real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
STREAMLIT = ("streamlit", "run", str(ROOT / "dashboard/server.py"), "--server.headless=true", "--server.port={port}")
UVICORN = ("uvicorn", "dashboard.server:app", "--port={port}", "--no-access-log")
ALONE = ("uvicorn", "dashboard.api:app", "--port={port}", "--no-access-log")
START_SECONDS = 60

Ask = Callable[..., httpx.Response]

pytestmark = pytest.mark.journey


@contextmanager
def served(command: tuple[str, ...], migrated_file: Path, folder: Path) -> Iterator[Ask]:
    """The process started by `command`; its first answer is awaited, its end is by SIGTERM."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [part.format(port=port) for part in command]
    copy = folder / "served.db"
    copy.write_bytes(migrated_file.read_bytes())
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{copy}"}
    process = subprocess.Popen([sys.executable, "-m", *arguments], cwd=folder, env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as browser:
            await_answer(browser, process)
            yield browser.request
    finally:
        process.terminate()
        assert process.wait(25) in (0, -15)


def await_answer(browser: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            browser.get("/healthz")
        except httpx.TransportError:
            continue
        return
    raise AssertionError("the process did not answer")


@pytest.mark.parametrize("command", [STREAMLIT, UVICORN], ids=["streamlit", "uvicorn"])
def test_pages_and_api_share_a_port(command: tuple[str, ...], migrated_file: Path, tmp_path: Path) -> None:
    with served(command, migrated_file, tmp_path) as ask:
        page = ask("GET", "/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert ask("GET", "/healthz").json() == {"status": "ok"}
        assert ask("GET", "/api/nothing").json() == {"error": "Not found"}
        assert ask("PUT", "/webhooks/shopify").json() == {"error": "Method not allowed"}
        assert ask("POST", "/webhooks/shopify", content=b"x" * 2_000_000).status_code == 413
        assert ask("GET", "/readyz").json()["checks"]["schema"] == "ok"
        assert ask("GET", "/", headers={"Host": "evil.example"}).status_code == 403
        assert ask("GET", "/healthz", headers={"Host": "evil.example"}).status_code == 200


def test_the_api_runs_alone_without_the_pages(migrated_file: Path, tmp_path: Path) -> None:
    with served(ALONE, migrated_file, tmp_path) as ask:
        assert ask("GET", "/healthz").json() == {"status": "ok"}
        assert ask("GET", "/").json() == {"error": "Not found"}
