"""The cluster: procrastinate carries ids of awake shops to as many workers as there are.

The engine never decides who runs a shop: its job is a hint, and the claim in our tables is the right. So
nothing here depends on its recovery, its locks or its retries. A process that works also offers what is
awake, so that a dead scheduler stops nothing but the sweep.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ProcrastinateException
from psycopg import sql
from sqlalchemy.exc import SQLAlchemyError

from sync_core import crash, lifecycle
from sync_core.config import Settings
from sync_core.db import normal_url
from sync_core.dispatch import jobs
from sync_core.dispatch.keeper import Keeper
from sync_core.dispatch.pool import LOOK_SECONDS, OLDEST_EVERY
from sync_core.heartbeat import Doing
from sync_core.lifecycle import Claim
from sync_core.runner import Tools
from sync_core.states import RESERVED_SHARE

STOP_SECONDS = 0.2
"""How often the engine's loop looks whether this process is to stop."""
AGAIN_SECONDS = 1.0
TIDY_EVERY = 60
CONNECTIONS = 4
CONNECT_SECONDS = 5

log = structlog.get_logger()


class Offers:
    """Looks each second and gives every awake shop a job. In each process; one at a time does it."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def doing(self) -> Doing:
        """What this loop is at, for the heartbeat."""
        return Doing()

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop: retries, rescues, wakes and requests that nobody announced."""
        for look in count():
            try:
                self._look(tidying=look % TIDY_EVERY == 0)
            except SQLAlchemyError as error:
                log.warning("offer.failed", error=type(error).__name__)
            if stopping.wait(LOOK_SECONDS):
                return

    def _look(self, *, tidying: bool) -> None:
        with self._tools.database.write() as session:
            now = self._tools.database.now(session)
            if tidying:
                jobs.tidy(session, now=now)
            jobs.offer_awake(session, now=now)


class Crew:
    """The engine's workers of this process, WORKERS at once. One per process."""

    def __init__(self, tools: Tools, *, owner: str) -> None:
        self._tools = tools
        self._owner = owner
        self._keeper = Keeper(tools)
        self._offers = Offers(tools)
        self._taken = count(1)

    def doing(self) -> Doing:
        """What this process is at, for the heartbeat."""
        return self._keeper.doing()

    def run(self, stopping: threading.Event) -> None:
        """Take jobs, claim, run, keep; returns once `stopping` is set and every claim is ended or given back."""
        self._keeper.keep_leases(stopping)
        threading.Thread(target=self._offers.run, args=(stopping,), name="offers", daemon=True).start()
        asyncio.run(self._work(stopping))
        self._keeper.give_back()

    async def _work(self, stopping: threading.Event) -> None:
        """The engine stops itself when its connection breaks; it is started again, the runs go on meanwhile."""
        while not stopping.is_set():
            try:
                await self._engine(stopping)
            except (ProcrastinateException, psycopg.Error) as error:
                log.warning("engine.failed", error=type(error).__name__)
            if not stopping.is_set():
                await asyncio.sleep(AGAIN_SECONDS)

    async def _engine(self, stopping: threading.Event) -> None:
        app = procrastinate.App(connector=_connector(self._tools.settings))
        app.task(name=jobs.TASK, retry=False)(self._task(stopping))
        async with app.open_async():
            working = [asyncio.create_task(work) for work in self._workers(app)]
            await _until(stopping, working)
            for worker in working:
                worker.cancel()
            ends = await asyncio.gather(*working, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def _workers(self, app: procrastinate.App) -> list[Coroutine[Any, Any, None]]:
        """One for everything, and one that is kept for the most urgent."""
        reserved = self._tools.settings.workers // RESERVED_SHARE
        crew = [([jobs.URGENT, jobs.REST], self._tools.settings.workers - reserved), ([jobs.URGENT], reserved)]
        return [self._worker(app, queues, places) for queues, places in crew if places]

    def _worker(self, app: procrastinate.App, queues: list[str], places: int) -> Coroutine[Any, Any, None]:
        # The runs are ours and go on without the engine: it has nothing to wait for at its end.
        return app.run_worker_async(
            name=f"{self._owner} {queues[-1]}",
            queues=queues,
            concurrency=places,
            fetch_job_polling_interval=LOOK_SECONDS,
            shutdown_graceful_timeout=0,
            delete_jobs="always",
            install_signal_handlers=False,
        )

    def _task(self, stopping: threading.Event) -> Callable[[str], object]:
        async def sync_shop(shop_id: str) -> None:
            loop, over = asyncio.get_running_loop(), asyncio.Event()

            def ended() -> None:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(over.set)

            if await asyncio.to_thread(self._start, shop_id, stopping, ended):
                await over.wait()

        return sync_shop

    def _start(self, shop_id: str, stopping: threading.Event, ended: Callable[[], None]) -> bool:
        """Claim and start in one step, in a thread: a cancelled job leaves no claim that nobody runs."""
        if stopping.is_set() or self._keeper.running >= self._tools.settings.workers:
            return False
        try:
            claim = self._claim(shop_id)
        except SQLAlchemyError as error:
            log.warning("claim.failed", error=type(error).__name__)
            return False
        if claim is None:
            return False
        crash.point("after_claim")
        self._keeper.start(claim, stopping, ended=ended)
        return True

    def _claim(self, shop_id: str) -> Claim | None:
        """The job's shop; every tenth job serves the longest waiting instead, and its own is offered again."""
        database, settings = self._tools.database, self._tools.settings
        with database.write() as session:
            now = database.now(session)
            if next(self._taken) % OLDEST_EVERY == 0:
                oldest = lifecycle.claim(session, owner=self._owner, limit=1, oldest=1, now=now, settings=settings)
                return next(iter(oldest), None)
            return lifecycle.claim_shop(session, shop_id, owner=self._owner, now=now, settings=settings)


async def _until(stopping: threading.Event, working: list[asyncio.Task[None]]) -> None:
    """Until told to stop, or until one of the workers has ended."""
    while not stopping.is_set() and not any(worker.done() for worker in working):
        await asyncio.sleep(STOP_SECONDS)


def _connector(settings: Settings) -> procrastinate.PsycopgConnector:
    """Through DIRECT_URL where it is set: a transaction pooler passes no NOTIFY on, a look each second remains."""
    url, _ = normal_url(settings.direct_url or settings.database_url)
    ours = sql.SQL("SET search_path TO {}").format(sql.Identifier(settings.db_schema))

    async def configure(connection: psycopg.AsyncConnection) -> None:
        await connection.execute(ours)
        await connection.commit()

    return procrastinate.PsycopgConnector(
        conninfo=url.replace("postgresql+psycopg://", "postgresql://", 1),
        kwargs={"connect_timeout": CONNECT_SECONDS, "prepare_threshold": None},
        configure=configure,
        min_size=1,
        max_size=CONNECTIONS,
        timeout=CONNECT_SECONDS,
    )
