"""Everything one sandbox holds, handed to each route."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any

from sync_core.sandbox.bulk import Bulk, Operations
from sync_core.sandbox.bulk_operation import Operation
from sync_core.sandbox.config import SandboxConfig
from sync_core.sandbox.edits import Edits
from sync_core.sandbox.moments import Clock, iso
from sync_core.sandbox.shops import Shop, Shops
from sync_core.sandbox.state import Journal
from sync_core.sandbox.subscriptions import Subscriptions
from sync_core.sandbox.tokens import Tokens
from sync_core.sandbox.webhooks import Hook, Sender

FINISH = "bulk_operations/finish"


class World:
    """Config, clock, journal, shops, tokens, and the log of what was served."""

    def __init__(self, config: SandboxConfig, clock: Clock) -> None:
        self.config, self.clock = config, clock
        self.journal = Journal(config.state)
        self.shops = Shops(config, self.journal, clock)
        for shop in self.shops:
            Edits(shop, self.journal, clock).restore()
            shop.faults.put(self.journal.get("fault", shop.domain) or [])
        self.tokens = Tokens(config, self.journal, clock)
        self.sender = Sender(config, clock)
        self.operations = Operations(clock, self._tell_finished)
        self.log: deque[dict[str, Any]] = deque(maxlen=config.log_lines)
        self._requests = itertools.count(1)

    def request_id(self) -> str:
        """Unique and in order, shaped like Shopify's."""
        number = next(self._requests)
        return f"5a0d0b0c-{number >> 16 & 0xFFFF:04x}-4{number & 0xFFF:03x}-8000-{number:012x}-{int(self.clock())}"

    def note(self, shop: Shop, operation: str, status: int | str, **more: Any) -> None:
        """One line of the log; never a token or a document's variables beyond page size and cursor."""
        moment = iso(int(self.clock()))
        self.log.append({"at": moment, "domain": shop.domain, "operation": operation, "status": status, **more})

    def keep_faults(self, shop: Shop) -> None:
        """Remember the shop's faults and how often each fired."""
        self.journal.put("fault", shop.domain, shop.faults.as_json())

    def subscriptions(self, shop: Shop) -> Subscriptions:
        return Subscriptions(shop.domain, shop.settings.key, self.journal, self.clock)

    def bulk(self, shop: Shop, origin: str) -> Bulk:
        return Bulk(shop, self.operations, self.subscriptions(shop), origin)

    def _tell_finished(self, shop: Shop, operation: Operation) -> None:
        self.keep_faults(shop)
        hook = Hook(topic=FINISH, payload=operation.payload())
        self.sender.send(shop, [hook], self.targets(shop, [FINISH]))

    def targets(self, shop: Shop, topics: list[str]) -> dict[str, list[str]]:
        """Where each topic goes: the app's own address, and the shop's subscriptions; each address once."""
        own = [self.config.webhook_url] if self.config.webhook_url else []
        rows = self.subscriptions(shop).rows()
        return {
            topic: list(dict.fromkeys([*own, *(row["uri"] for row in rows if row["topic"] == enum_of(topic))]))
            for topic in topics
        }


def enum_of(topic: str) -> str:
    """`app/uninstalled` → APP_UNINSTALLED, the topic's name in the Admin API."""
    return topic.upper().replace("/", "_")
