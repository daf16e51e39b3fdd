"""Forks the product's processes from one that has imported them already, so that hundreds of kills fit a run.

One line of JSON in is one process started, and its pid out. A child is the product's own `main` with the
environment of its order; it may be given a limit on the size of files, failing calls or another clock.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import traceback
from typing import Any

import uvicorn

import scheduler
from dashboard import api
from sync_core import cli, crash
from sync_core.dispatch import cluster
from tests.faults import bad_calls, bad_clock

Order = dict[str, Any]


def main() -> None:
    """Start what is ordered until nobody orders any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the children
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_child(order))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _child(order: Order) -> int:
    try:
        _settle_in(order)
        return ROLES.get(order["role"], _serve)(order)
    except BaseException:  # noqa: BLE001 - the child's log is the only place that is left
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _settle_in(order: Order) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(order["folder"])
    os.environ.update(order["environment"])
    crash.arm(os.environ)
    bad_calls.arm(os.environ)
    bad_clock.arm(os.environ)
    if limit := os.environ.get("FILE_LIMIT"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))


def _schedule(_order: Order) -> int:
    return scheduler.main()


def _work(_order: Order) -> int:
    assert cluster  # imported once for all workers
    cli.worker()
    return 0


def _serve(order: Order) -> int:
    uvicorn.run(api.app, host="127.0.0.1", port=int(order["role"]), log_level="warning")
    return 0


ROLES = {"scheduler": _schedule, "worker": _work}
"""What is no role is the port of the API."""


if __name__ == "__main__":
    main()
