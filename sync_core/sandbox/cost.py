"""Query points: the bucket of one shop. (The law that prices a document is in graphql/price.py.)"""

from __future__ import annotations

from sync_core.sandbox.moments import Clock

MOST_POINTS = 1_000


class Bucket:
    """Points of one app on one shop: full at first, refilled every second, refunded what a query did not use."""

    def __init__(self, clock: Clock, *, maximum: int, restore_per_second: int) -> None:
        self.clock, self.maximum, self.restore_per_second = clock, maximum, restore_per_second
        self._level, self._at = float(maximum), clock()

    def available(self) -> float:
        """How many points are there now."""
        now = self.clock()
        passed = max(0.0, now - self._at)
        self._level = min(float(self.maximum), self._level + passed * self.restore_per_second)
        self._at = now
        return self._level

    def take(self, points: float) -> bool:
        """Take points if they are all there."""
        if self.available() < points:
            return False
        self._level -= points
        return True

    def refund(self, points: float) -> None:
        self._level = min(float(self.maximum), self.available() + points)

    def drain(self, left: float = 0) -> None:
        """Empty it (a test's wish)."""
        self.available()
        self._level = float(left)

    def status(self) -> dict[str, float]:
        """Shopify's throttleStatus."""
        return {
            "maximumAvailable": float(self.maximum),
            "currentlyAvailable": int(self.available()),
            "restoreRate": float(self.restore_per_second),
        }
