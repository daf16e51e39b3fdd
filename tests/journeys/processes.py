"""The product's real processes, started for one test and ended with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from sync_core.config import Settings, load_settings
from sync_core.db import Database, open_database

PATIENCE_SECONDS = 60.0
GLANCE_SECONDS = 0.1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(true: Callable[[], bool], what: str, *, seconds: float = PATIENCE_SECONDS) -> float:
    """Look until it is true; the seconds that it took. Fails the test when it does not become true."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(GLANCE_SECONDS)
    return time.monotonic() - begun


@dataclass
class Stage:
    """One installation of the product: its environment, folder and processes."""

    folder: Path
    environment: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    databases: list[Database] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        names = {name.lower(): value for name, value in self.environment.items()}
        return load_settings(_env_file=None, **{k: v for k, v in names.items() if k in Settings.model_fields})

    def database(self) -> Database:
        """The stage's database, as the test sees it; closed with the stage."""
        self.databases.append(open_database(self.settings, host_clock=lambda: datetime.now(UTC)))
        return self.databases[-1]

    def start(self, name: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{name}.log").open("ab")
        self.running[name] = subprocess.Popen(
            [sys.executable, *arguments],
            env=os.environ | self.environment | environment,
            cwd=self.folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()
        return self.running[name]

    def scheduler(self, name: str = "scheduler", **environment: str) -> subprocess.Popen[bytes]:
        return self.start(name, "-m", "scheduler", **environment)

    def worker(self, name: str = "worker") -> None:
        """One that syncs and sweeps nothing: the cluster's, or the pool's."""
        self.start(name, "-m", "sync_core.cli", "worker")

    def dashboard(self, port: int) -> None:
        self.start("dashboard", "-m", "sync_core.cli", "dashboard", "--port", str(port))
        self.answering(f"http://127.0.0.1:{port}/healthz")

    def command(self, *arguments: str) -> str:
        """Run a `shopsync` command to its end; its output. Fails the test when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "sync_core.cli", *arguments],
            env=os.environ | self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def answering(self, url: str) -> None:
        def answers() -> bool:
            try:
                return httpx.get(url, timeout=2).status_code < 500
            except httpx.TransportError:
                return False

        eventually(answers, url)

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running.pop(name).wait()

    def end(self) -> None:
        """SIGTERM to all; SIGKILL to what does not end in time."""
        for child in self.running.values():
            child.send_signal(signal.SIGTERM)
        for child in self.running.values():
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for database in self.databases:
            database.close()

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))


@contextmanager
def stage(folder: Path, **environment: str) -> Iterator[Stage]:
    """A stage that ends its processes whatever happens."""
    standing = Stage(folder, environment)
    try:
        yield standing
    finally:
        standing.end()
