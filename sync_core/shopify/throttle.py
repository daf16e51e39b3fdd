"""One limiter per shop: waits until the shop's bucket holds what a query will cost.

Driven by what Shopify says (`extensions.cost.throttleStatus`); no plan's figures are built in. The
bucket must hold the requested cost; Shopify gives back the difference to the actual one.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from sync_core.shopify.answers import Cost

Clock = Callable[[], float]


class Limiter:
    """One shop's bucket as last seen. Thread-safe; `clock` counts seconds and never goes back."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._requested: dict[Hashable, float] = {}
        self._flying = 0.0
        self._seen: Cost | None = None
        self._seen_at = 0.0

    def take(self, query: Hashable, *, expected: float = 0.0) -> float:
        """0 when the query may be sent now (its points are taken), else the seconds to wait before asking again.

        `expected`: its points, as far as is known before Shopify has named them once.
        """
        with self._lock:
            if self._seen is not None:
                expected = min(expected, self._seen.maximum)
            requested = self._requested.setdefault(query, expected)
            missing = requested - self._available()
            if missing <= 0 or self._seen is None:
                self._flying += requested
                return 0.0
            return missing / self._seen.restore_rate

    def settle(self, query: Hashable, cost: Cost | None) -> None:
        """A query that was taken is answered (`cost`), or lost (None): its points are no longer in flight."""
        with self._lock:
            self._flying = max(0.0, self._flying - self._requested.get(query, 0.0))
            if cost is not None and cost.restore_rate > 0:
                self._requested[query] = min(cost.requested, cost.maximum)
                self._seen, self._seen_at = cost, self._clock()

    def _available(self) -> float:
        if self._seen is None:
            return float("inf")
        restored = (self._clock() - self._seen_at) * self._seen.restore_rate
        return min(self._seen.maximum, self._seen.available + restored) - self._flying


class Limiters:
    """The limiters of this process, one a shop; the longest unused is forgotten beyond `keep`."""

    def __init__(self, *, keep: int = 10_000, clock: Clock = time.monotonic) -> None:
        self._keep = keep
        self._clock = clock
        self._lock = threading.Lock()
        self._by_domain: OrderedDict[str, Limiter] = OrderedDict()

    def of(self, domain: str) -> Limiter:
        """The one limiter of this shop."""
        with self._lock:
            limiter = self._by_domain.setdefault(domain, Limiter(clock=self._clock))
            self._by_domain.move_to_end(domain)
            if len(self._by_domain) > self._keep:
                self._by_domain.popitem(last=False)
            return limiter
