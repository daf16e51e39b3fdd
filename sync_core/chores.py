"""What a process that runs syncs does beside them, each in a thread of its own: Shopify's messages, unused tokens,
estimated starts, closed hours, old rows.

scheduler.py and `shopsync worker` both do, so that a dead scheduler stops nothing but the net.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from sync_core.estimates import keep_book
from sync_core.idle_tokens import keep_alive
from sync_core.inbox import Inbox
from sync_core.process import serve
from sync_core.runner import Tools
from sync_core.upkeep import Upkeep

INBOX_SECONDS = 2.0
TOKENS_SECONDS = 60.0
UPKEEP_SECONDS = 60.0
ESTIMATES_SECONDS = 20.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Chore:
    """Something done again and again, `seconds` after it was done last."""

    name: str
    seconds: float
    act: Callable[[], object]

    def repeat(self, stopping: threading.Event) -> None:
        """Until told to stop; what goes wrong once is logged, and the next time comes."""
        while not stopping.wait(self.seconds):
            try:
                self.act()
            except Exception:
                log.exception("chore.failed", chore=self.name)


def begin(tools: Tools, stopping: threading.Event) -> list[threading.Thread]:
    """Start them all; the caller joins them once `stopping` is set."""
    inbox = Inbox(tools.database, tools.settings, tools.vault)
    chores = [
        Chore("inbox", INBOX_SECONDS, inbox.work),
        Chore("tokens", TOKENS_SECONDS, partial(keep_alive, tools, stopping)),
        Chore("estimates", ESTIMATES_SECONDS, partial(keep_book, tools.database, tools.settings)),
        Chore("upkeep", UPKEEP_SECONDS, partial(Upkeep(tools.database, tools.settings).work, stopping)),
    ]
    return [serve(chore.repeat, stopping, name=chore.name) for chore in chores]
