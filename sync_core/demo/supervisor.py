"""`shopsync demo`: every process of the product on one machine, against the sandbox."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import func, select

from sync_core import schema
from sync_core.config import Settings, load_settings
from sync_core.credentials import TokenPair
from sync_core.db import Database, HostClock, open_database
from sync_core.demo import history
from sync_core.demo.history import Past, Shopify
from sync_core.demo.traffic import Traffic
from sync_core.errors import BadSetting
from sync_core.models import Sweep
from sync_core.process import stop_on_signals
from sync_core.sandbox.control import SandboxControl
from sync_core.vault import open_vault

FOLDER = Path("var/demo")
OLD = timedelta(minutes=15)
START_SECONDS = 60.0
STOP_SECONDS = 25.0
CLIENT_ID = "sandbox-key"
REFRESH_HOURS = "6"


def show(*, port: int, fresh: bool, host_clock: HostClock) -> int:
    """Run the demo until Ctrl-C; 0 after a clean end, 1 when a process died.

    Errors: BadSetting when the port is taken.
    """
    _require_free(port)
    stopping = stop_on_signals()
    sandbox_port = _free_port()
    environment = _environment(port, sandbox_port)
    os.environ.update(environment)
    settings = load_settings()
    _prepare(settings, host_clock, fresh=fresh)
    children = Children(environment)
    try:
        return _show(settings, children, port, sandbox_port, host_clock=host_clock, stopping=stopping)
    finally:
        children.stop()
        _say("Stopped.")


def _show(
    settings: Settings,
    children: Children,
    port: int,
    sandbox_port: int,
    *,
    host_clock: HostClock,
    stopping: threading.Event,
) -> int:
    children.start("sandbox", *_sandbox_command(port, sandbox_port))
    control = SandboxControl(f"http://127.0.0.1:{sandbox_port}")
    if not _answers(f"http://127.0.0.1:{sandbox_port}/_sandbox/healthz", children, stopping):
        return 1
    _write_history(settings, control, host_clock)
    children.start("scheduler", "-m", "scheduler")
    children.start("dashboard", "-m", "sync_core.cli", "dashboard", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    if not _answers(f"{url}/healthz", children, stopping):
        return 1
    _say(f"\n  Shopsync is alive at {url}\n  (Ctrl-C ends everything; logs are in {FOLDER}/)\n")
    traffic = threading.Thread(target=Traffic(url, control, random.Random()).run, args=(stopping,), daemon=True)
    traffic.start()
    return _watch(children, stopping)


class Children:
    """The processes of the demo, each with a log of its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str) -> None:
        log = (FOLDER / f"{name}.log").open("ab")
        # a session of its own: Ctrl-C reaches this process alone, which then ends them in order
        self._running[name] = subprocess.Popen(
            [sys.executable, *arguments],
            env=self._environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def dead(self) -> str | None:
        """The name of a process that ended by itself."""
        return next((name for name, child in self._running.items() if child.poll() is not None), None)

    def stop(self) -> None:
        """SIGTERM to all, the last started first; SIGKILL to what does not obey."""
        for child in reversed(self._running.values()):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._running.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()


def _environment(port: int, sandbox_port: int) -> dict[str, str]:
    random_secret = secrets.token_urlsafe(24)
    own = {
        "DATABASE_URL": f"sqlite:///{FOLDER}/shopsync.db",
        "ENVIRONMENT": "demo",
        "APP_URL": f"http://127.0.0.1:{port}",
        "SHOPIFY_BASE_URL": f"http://127.0.0.1:{sandbox_port}/{{shop}}",
        "SHOPIFY_API_KEY": CLIENT_ID,
        "SHOPIFY_API_SECRET": random_secret,
        "SANDBOX_CLIENT_ID": CLIENT_ID,
        "SANDBOX_CLIENT_SECRET": random_secret,
        "REFRESH_HOURS": REFRESH_HOURS,
    }
    for name in ("CRON_SECRET", "INTERNAL_API_SECRET", "READ_API_TOKEN"):
        own.setdefault(name, os.environ.get(name) or secrets.token_urlsafe(24))
    return own


def _sandbox_command(port: int, sandbox_port: int) -> list[str]:
    options = {
        "port": str(sandbox_port),
        "state": str(FOLDER / "sandbox.db"),
        "latency-ms": "350",
        "webhook-url": f"http://127.0.0.1:{port}/webhooks/shopify",
    }
    return ["-m", "sync_core.sandbox", *(part for name, value in options.items() for part in (f"--{name}", value))]


def _prepare(settings: Settings, host_clock: HostClock, *, fresh: bool) -> None:
    """The demo's folder, emptied when asked for or when the last demo ended a while ago."""
    if FOLDER.exists() and (fresh or _is_old(settings, host_clock)):
        shutil.rmtree(FOLDER)
    FOLDER.mkdir(parents=True, exist_ok=True)
    schema.prepare(settings)


def _is_old(settings: Settings, host_clock: HostClock) -> bool:
    """A gap of missed checks would be true and no sight for a demo."""
    if not (FOLDER / "shopsync.db").exists():
        return True
    schema.prepare(settings)
    database = open_database(settings, host_clock=host_clock)
    last = _last_sweep(database)
    database.close()
    return last is None or host_clock() - last > OLD


def _last_sweep(database: Database) -> datetime | None:
    with database.read() as session:
        return session.execute(select(func.max(Sweep.begun_at))).scalar_one_or_none()


def _write_history(settings: Settings, control: SandboxControl, host_clock: HostClock) -> None:
    database = open_database(settings, host_clock=host_clock)
    if _last_sweep(database) is None:
        _say("Writing a month of demo history …")
        with database.write() as session:
            mint = _minter(control, host_clock())
            asked = Shopify(mint, lambda domain: control.shop(domain)["counts"])
            past = Past(session, host_clock(), settings, open_vault(settings), asked, random.Random(7))
            history.write_month(past)
            _make_trouble(control, history.write_troubled(past))
    database.close()


def _minter(control: SandboxControl, now: datetime) -> history.Mint:
    def mint(domain: str) -> TokenPair:
        made = control.mint(domain)
        return TokenPair(
            made["access_token"],
            made["refresh_token"],
            now + timedelta(seconds=made["expires_in"]),
            now + timedelta(seconds=made["refresh_token_expires_in"]),
            made["scope"],
        )

    return mint


def _make_trouble(control: SandboxControl, troubled: dict[str, str]) -> None:
    for domain, trouble in troubled.items():
        if trouble == "revoked":
            control.revoke(domain)
        else:
            control.fault(domain, 402 if trouble == "frozen" else 500)


def _answers(url: str, children: Children, stopping: threading.Event) -> bool:
    """Wait until something answers there; False when a process died, or nothing did in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not stopping.is_set():
        if (name := children.dead()) is not None:
            _say(f"{name} ended by itself; see {FOLDER}/{name}.log")
            return False
        try:
            if httpx.get(url, timeout=2).is_success:
                return True
        except httpx.TransportError:
            stopping.wait(0.3)
    _say(f"{url} did not answer")
    return False


def _watch(children: Children, stopping: threading.Event) -> int:
    while not stopping.wait(1.0):
        if (name := children.dead()) is not None:
            _say(f"{name} ended by itself; see {FOLDER}/{name}.log")
            return 1
    return 0


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise BadSetting(f"port {port} is taken: expected a free one (--port)") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the demo speaks to the person who started it
