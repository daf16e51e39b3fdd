"""The host's clock jumps by an hour, or local time does when summer time ends."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import func, select

from sync_core.models import Sweep
from tests.faults.ground import Ground, Lane
from tests.faults.report import Line, line

STEPS = {
    "an hour ahead and back": "1:3600,3:0",
    "an hour behind and back": "1:-3600,3:0",
    "ahead, behind, back": "1:3600,2:-3600,3:0",
}
WINTER = {"TZ": "Etc/GMT+4", "ZONES": "2:Etc/GMT+5"}
"""As in New York when summer time ends: local time goes back by an hour, the true time does not."""
SUMMER = {"TZ": "Etc/GMT+5", "ZONES": "2:Etc/GMT+4"}


def steps(lane: Lane, *, times: int) -> Iterator[Line]:
    """Safety only: while the clock is wrong a shop may wait for it; a takeover's length means nothing.

    PostgreSQL's clock stamps the rows there, and stays true.
    """
    with lane.ground() as ground:
        for plan in list(STEPS.values()) * times:
            ground.install(16)
            child = ground.scheduler(CLOCK_STEPS=plan)
            time.sleep(4)
            child.end()
        ground.settle()
        verdict = ground.audit(true_clock=lane.server is not None)
        verdict.takeovers.clear()
        happened = times * len(STEPS)
        yield line("clock steps of ±1 h", lane.engine, verdict, times=happened, wanted=happened)


def summer_time(lane: Lane, *, seconds: float) -> Iterator[Line]:
    """Local time jumps under a working process; the sweep goes on each slot."""
    with lane.ground(SWEEP_PERIOD_SECONDS="1") as ground:
        swept = 0
        for zones in (WINTER, SUMMER):
            ground.install(16)
            child = ground.scheduler(**zones)
            time.sleep(3)
            before = _sweeps(ground)
            time.sleep(seconds)
            swept += _sweeps(ground) - before >= seconds / 2
            child.end()
        ground.settle()
        yield line("summer time begins, ends", lane.engine, ground.audit(), times=swept, wanted=2)


def _sweeps(ground: Ground) -> int:
    with ground.database.read() as session:
        return session.execute(select(func.count()).select_from(Sweep)).scalar_one()
