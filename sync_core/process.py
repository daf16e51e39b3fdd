"""What every long-running process of this product does at its start and its end."""

from __future__ import annotations

import gc
import logging
import signal
import sys
import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sync_core.config import Settings
from sync_core.db import Database, HostClock, open_database
from sync_core.runner import Tools
from sync_core.schema import check
from sync_core.shopify.client import open_http
from sync_core.shopify.throttle import Limiters
from sync_core.vault import open_vault

RETRY_SECONDS = 2.0

log = structlog.get_logger()


def configure_logs(settings: Settings) -> None:
    """Structured lines on stdout: for people, or JSON with LOG_FORMAT=json."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        cache_logger_on_first_use=False,
    )


def open_tools(settings: Settings, *, host_clock: HostClock) -> Tools:
    """What the runs of one process share. Nothing is connected yet. Errors: BadSetting."""
    database = open_database(settings, host_clock=host_clock)
    http = open_http(connections=settings.workers)
    return Tools(settings, database, open_vault(settings), http, Limiters())


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    return stopping


def wait_for_database(database: Database, stopping: threading.Event) -> None:
    """Try until the database answers with the schema that we know; processes start in any order.

    Errors: SchemaMismatch at once, because waiting mends nothing.
    """
    while not stopping.is_set():
        try:
            check(database)
        except SQLAlchemyError as error:
            log.warning("database.unreachable", error=type(error).__name__, retry_seconds=RETRY_SECONDS)
            stopping.wait(RETRY_SECONDS)
        else:
            return


def spare_the_collector() -> None:
    """What the start made lasts as long as the process; the garbage collector need not look through it again and again.

    A full collection in a sync of 1,000 products took longer than the sync.
    """
    gc.collect()
    gc.freeze()


def serve(target: Callable[[threading.Event], None], stopping: threading.Event, *, name: str) -> threading.Thread:
    """Run `target(stopping)` in a thread that the caller joins."""
    thread = threading.Thread(target=target, args=(stopping,), name=name)
    thread.start()
    return thread
