"""Who runs what is awake: the threads of this process, or the cluster's engine.

The claim in the database decides (lifecycle.claims) whichever of them asks. `announce` is called where
a request is opened; `for_worker` and `beside_sweep` are what the processes run.
"""

from __future__ import annotations

import threading
from typing import Protocol

from sync_core import cluster_schema
from sync_core.config import Dispatch
from sync_core.dispatch.jobs import announce
from sync_core.dispatch.pool import OLDEST_EVERY, ClaimLoop
from sync_core.heartbeat import Doing
from sync_core.runner import Tools

__all__ = ["OLDEST_EVERY", "ClaimLoop", "Dispatcher", "announce", "beside_sweep", "for_worker"]


class Dispatcher(Protocol):
    """What carries awake shops to their runs, until told to stop."""

    def doing(self) -> Doing:
        """What it is at, for the heartbeat."""

    def run(self, stopping: threading.Event) -> None:
        """Returns once `stopping` is set and every claim of this process is ended or given back."""


def for_worker(tools: Tools, *, owner: str) -> Dispatcher:
    """What `shopsync worker` runs: syncs. Errors: BadSetting, SchemaMismatch when the engine is not ready."""
    if tools.settings.dispatch is Dispatch.POOL:
        return ClaimLoop(tools, owner=owner)
    cluster_schema.check(tools.database)
    from sync_core.dispatch.cluster import Crew

    return Crew(tools, owner=owner)


def beside_sweep(tools: Tools, *, owner: str) -> Dispatcher:
    """What scheduler.py runs beside the sweep: the pool's syncs, or only the engine's offers. Errors: as above."""
    if tools.settings.dispatch is Dispatch.POOL:
        return ClaimLoop(tools, owner=owner)
    cluster_schema.check(tools.database)
    from sync_core.dispatch.cluster import Offers

    return Offers(tools)
