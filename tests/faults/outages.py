"""The database goes away, is away when a process starts, or has no room."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.auditor import Outage
from tests.faults.ground import Ground, Lane
from tests.faults.report import Line, line

SMALL_BYTES = 12 * 1024 * 1024
BALLAST = "ballast"


def restarts(lane: Lane, *, times: int, shops: int) -> Iterator[Line]:
    """PostgreSQL restarted in immediate mode while every shop is being synced."""
    if lane.server is None:
        return
    with lane.ground() as ground:
        ground.install(shops)
        ground.worker()
        away: list[Outage] = []
        for _ in range(times):
            time.sleep(2)
            begun = datetime.now(UTC)
            lane.server.restart()
            away.append((begun, datetime.now(UTC)))
        ground.settle(seconds=300 + shops / 4)
        verdict = ground.audit(outages=away)
        yield line(
            f"PostgreSQL restarted (immediate) under {shops} shops", lane.engine, verdict, times=times, wanted=times
        )


def unreachable(lane: Lane, *, seconds: float) -> Iterator[Line]:
    """Away when the process starts, and away again while it works."""
    with lane.ground() as ground:
        ground.install(60)
        away = []
        for _ in range(2):
            begun = datetime.now(UTC)
            with _away(ground):
                if not ground.children:
                    ground.scheduler()
                time.sleep(seconds)
            away.append((begun, datetime.now(UTC)))
            time.sleep(1)
        ground.settle()
        verdict = ground.audit(outages=away)
        yield line(
            f"database away for {seconds:.0f} s, at the start and later", lane.engine, verdict, times=2, wanted=2
        )


def disk_full(lane: Lane, *, seconds: float) -> Iterator[Line]:
    """A file system with no byte left under the database, then room again; and a limit on the file's size."""
    yield from _no_room(lane, seconds)
    yield from _file_limit(lane, seconds)


@contextmanager
def _away(ground: Ground) -> Iterator[None]:
    """PostgreSQL is stopped; SQLite's file is locked by another program."""
    if ground.server is not None:
        ground.server.stop()
        yield
        ground.server.start()
        return
    with closing(sqlite3.connect(ground.folder / "shopsync.db", timeout=30, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def _no_room(lane: Lane, seconds: float) -> Iterator[Line]:
    """SQLite only: PostgreSQL without room for its log stops, which `restarts` covers."""
    if lane.server is not None or not _may_mount(lane.folder / "probe"):
        return
    with _small_disk(lane.folder / "small") as disk, lane.ground(disk=disk) as ground:
        ground.install(30)
        ground.scheduler()
        begun = datetime.now(UTC)
        _fill(disk / BALLAST)
        time.sleep(seconds)
        told = ground.log().count("OperationalError")
        (disk / BALLAST).unlink()
        away = [(begun, datetime.now(UTC))]
        ground.settle()
        verdict = ground.audit(outages=away)
        yield line("disk full, then room again", lane.engine, verdict, times=int(told > 0), wanted=1)


def _file_limit(lane: Lane, seconds: float) -> Iterator[Line]:
    """SQLite only: writes beyond a size fail in the middle of a transaction (RLIMIT_FSIZE)."""
    if lane.server is not None:
        return
    with lane.ground() as ground:
        ground.install(60)
        size = (ground.folder / "shopsync.db").stat().st_size
        short = ground.scheduler(FILE_LIMIT=str(size + 64 * 1024))
        time.sleep(seconds)
        told = ground.log().count("OperationalError")
        short.end()
        ground.settle()
        yield line("file at its size limit", lane.engine, ground.audit(), times=int(told > 0), wanted=1)


def _may_mount(folder: Path) -> bool:
    """Whether this user may make a small disk; a limit on the file's size is tried in any case."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], check=False, stderr=subprocess.DEVNULL)
    if mounted.returncode == 0:
        subprocess.run(["umount", str(folder)], check=True)
    return mounted.returncode == 0


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(b"\0" * 4096)
        except OSError:
            return
