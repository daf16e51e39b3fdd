"""One step ahead: the next page is fetched while this one is stored, never more than one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

Result = TypeVar("Result")


def begun(act: Callable[[], Result]) -> Future[Result]:
    """`act` under way in a thread of its own, with this thread's log context; its errors come with the result.

    A daemon: a process that ends does not wait for an answer that nobody will store.
    """
    future: Future[Result] = Future()
    context = copy_context()

    def carry() -> None:
        try:
            future.set_result(context.run(act))
        except BaseException as error:  # noqa: BLE001 - handed over whole to whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=carry, name=threading.current_thread().name, daemon=True).start()
    return future
