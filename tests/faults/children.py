"""Processes of the product as a fault run holds them: started by the launcher, killed, paused, continued."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]


class Child:
    """One process, by its pid and a descriptor that stays its own when the pid is used again."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid, self.log = pid, log
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle = -1

    def gone(self, seconds: float = 0.0) -> bool:
        """Whether it ended, waiting so long for it."""
        return self._handle < 0 or bool(select.select([self._handle], [], [], seconds)[0])

    def send(self, number: signal.Signals) -> None:
        if not self.gone():
            signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        assert self.gone(10)

    def end(self) -> None:
        """SIGTERM, and SIGKILL to what does not end in 30 s."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        if not self.gone(30):
            self.kill()

    def paused(self, seconds: float) -> bool:
        """Whether it stands still (SIGSTOP), waiting so long for it."""
        until = time.monotonic() + seconds
        while not self._stands():
            if self.gone() or time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def _stands(self) -> bool:
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        except FileNotFoundError:
            return False


@dataclass
class Launcher:
    """Starts children."""

    orders: IO[str]
    pids: IO[str]

    def start(self, role: str, folder: Path, environment: dict[str, str]) -> Child:
        """role: `scheduler`, `worker`, or the port of the API."""
        log = folder / "processes.log"
        order = {"role": role, "folder": str(folder), "log": str(log), "environment": environment}
        self.orders.write(json.dumps(order) + "\n")
        self.orders.flush()
        return Child(int(self.pids.readline()), log)


@contextmanager
def launcher() -> Iterator[Launcher]:
    """A launcher without our settings in its environment."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.launcher"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Launcher(process.stdin, process.stdout)
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()
