"""Waiting and trying again within one run: bounded, with jitter, interruptible, and reported."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from sync_core.errors import Released, Unavailable

TRIES = 6
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
"""A longer Retry-After ends the attempt: its back-off waits, and the worker is free for another shop."""

Result = TypeVar("Result")


def _repeatable(_error: Unavailable) -> bool:
    return True


class Patience:
    """One run's waits. `on_wait` hears each wait's seconds before it begins; `stopping` cuts it short."""

    def __init__(
        self, *, stopping: threading.Event | None = None, on_wait: Callable[[float], None] | None = None
    ) -> None:
        self._stopping = stopping or threading.Event()
        self._on_wait = on_wait

    def wait(self, seconds: float) -> None:
        """Wait. Errors: Released when this process is stopping."""
        if self._on_wait:
            self._on_wait(seconds)
        self.pause(seconds)

    def pause(self, seconds: float) -> None:
        """Wait without telling: nobody knows whether it helps. Errors: Released when this process is stopping."""
        if self._stopping.wait(seconds):
            raise Released("this process is stopping")

    def call(self, act: Callable[[], Result], *, repeatable: Callable[[Unavailable], bool] = _repeatable) -> Result:
        """What `act` returns, tried again while it raises Unavailable that is `repeatable`.

        Errors: the last one, after TRIES tries or when the server asks for more than LONGEST_WAIT_SECONDS.
        """

        def again(error: BaseException) -> bool:
            if not isinstance(error, Unavailable) or (error.retry_after or 0) > LONGEST_WAIT_SECONDS:
                return False
            return repeatable(error)

        retrying = Retrying(
            stop=stop_after_attempt(TRIES),
            retry=retry_if_exception(again),
            wait=_seconds_to_wait,
            sleep=self.wait,
            reraise=True,
        )
        return retrying(act)


def _seconds_to_wait(state: RetryCallState) -> float:
    """What the server asked for, plus jitter so that shops do not return in step; else 0.5 s, doubling."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Unavailable) else None
    if asked is not None:
        return asked + random.uniform(0.05, 0.5)
    return float(FIRST_WAIT_SECONDS * 2 ** (state.attempt_number - 1) * random.uniform(0.5, 1.0))
