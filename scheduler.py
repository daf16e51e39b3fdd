"""The scheduler process: the sweep every slot; beside it alerts, chores and the pool's workers or the cluster's offers.

Reads settings, registers a look each second with `schedule`, loops, stops on SIGTERM. A job "every
300 seconds" drifts past slots, so the look ticks when the present slot is not yet booked. An
exception inside a job would leave run_pending() and be due again at once: it is caught here, logged,
and stands on the sweep's row.
"""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime

import schedule
import structlog

from sync_core import chores, dispatch, sweep
from sync_core.alerts.ping import DeadMansSwitch
from sync_core.alerts.watch import Watch
from sync_core.config import Dispatch, load_settings
from sync_core.errors import ShopsyncError
from sync_core.heartbeat import Heart, Process
from sync_core.process import configure_logs, open_tools, serve, spare_the_collector, stop_on_signals, wait_for_database
from sync_core.runner import Tools

LOOK_SECONDS = 0.2

log = structlog.get_logger()


def host_clock() -> datetime:
    """This host's clock, UTC."""
    return datetime.now(UTC)


def tick_once_a_slot(tools: Tools, by: str, switch: DeadMansSwitch) -> None:
    """Sweep when nobody has booked the present slot, and say so to the dead man's switch; never raises."""
    try:
        with tools.database.read() as session:
            slot = sweep.slot_of(tools.database.now(session), tools.settings.sweep_period_seconds)
            went_well = sweep.slot_went_well(session, slot)
        if went_well is None:
            report = sweep.tick(tools.database, by=by, settings=tools.settings, vault=tools.vault)
            went_well = report.error is None
        if went_well:
            switch.good_check(slot)
    except Exception:
        log.exception("sweep.failed", by=by)


def sweep_until(stopping: threading.Event, tools: Tools, by: str, switch: DeadMansSwitch) -> None:
    """Look each second until told to stop."""
    jobs = schedule.Scheduler()
    look_each_second(jobs, tools, by, switch)
    tick_once_a_slot(tools, by, switch)
    while not stopping.wait(LOOK_SECONDS):
        jobs.run_pending()
        if (jobs.idle_seconds or 0) > 1:
            # local time went back (summer time ended, a clock was corrected): the job would sleep until then
            look_each_second(jobs, tools, by, switch)


def look_each_second(jobs: schedule.Scheduler, tools: Tools, by: str, switch: DeadMansSwitch) -> None:
    """Register the look, in place of what was registered."""
    jobs.clear()
    jobs.every(1).seconds.do(tick_once_a_slot, tools, by, switch)


def main() -> int:
    """Run until SIGTERM; 0 after a clean end, 2 when the settings or the schema are wrong."""
    try:
        settings = load_settings()
        configure_logs(settings)
        tools = open_tools(settings, host_clock=host_clock)
        stopping = stop_on_signals()
        wait_for_database(tools.database, stopping)
        process = Process("scheduler", settings.workers if settings.dispatch is Dispatch.POOL else 0)
        loop = dispatch.beside_sweep(tools, owner=process.name)
    except ShopsyncError as error:
        print(f"scheduler: {error}", file=sys.stderr)  # noqa: T201
        return 2
    heart = Heart(tools.database, process, loop.doing)
    heart.start()
    spare_the_collector()
    workers = serve(loop.run, stopping, name="claims")
    beside = chores.begin(tools, stopping)
    switch, watch = DeadMansSwitch(tools.database, settings, process=process.name), Watch(tools.database, settings)
    switch.start()
    watch.start()
    log.info("scheduler.started", profile=settings.sweep_profile.value, workers=process.workers)
    sweep_until(stopping, tools, process.name, switch)
    for thread in (workers, *beside):
        thread.join()
    switch.stop()
    watch.stop()
    heart.stop()
    log.info("scheduler.stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
