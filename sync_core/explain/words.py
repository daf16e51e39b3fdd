"""The screen's words for causes, people, durations and counts.

What the code calls a hold, an error class or an age becomes one of these; there is no other table.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from sync_core.states import Hold

Say = Callable[[datetime], str]
"""A moment in the viewer's zone: "14:31", or "22 Nov, 14:31" on another day."""


class Who(StrEnum):
    """Who must act so that the shop is synced."""

    US = "us"
    MERCHANT = "merchant"
    SHOPIFY = "shopify"
    NOBODY = "nobody"


class Action(StrEnum):
    """What stands where Sync now stands."""

    SYNC = "sync"
    WATCH = "watch"
    TAKE_OVER = "take_over"
    LINK = "link"
    INSTALL_LINK = "install_link"
    OFF = "off"


CHIPS = {
    Who.US: "We must act",
    Who.MERCHANT: "The merchant must act",
    Who.SHOPIFY: "Shopify must act",
    Who.NOBODY: "Nobody must act",
}

OVERDUE = "overdue"
ATTENTION = "attention"

CAUSES = {
    "unavailable": "Shopify too slow or down",
    "throttled": "Asked too often (429)",
    "security": "Shopify turned us away (430)",
    "refused": "Shopify did not accept our question",
    "access_denied": "Permission missing",
    "not_found": "Shop not found (404)",
    "stalled": "Stood still",
    "internal": "Our own error",
    "orphaned": "Worker died",
    "reauthorise": "Access revoked",
    "frozen": "Plan frozen",
    "locked": "Locked by Shopify",
    "scope": "Permission missing",
    "gone": "Shop closed or renamed",
    "uninstalled": "Uninstalled",
    "stopped": "Stopped by staff",
    OVERDUE: "Not started in time",
    ATTENTION: "Fails again and again",
}
"""Cause key (error class, hold, or one of ours) to the screen's words."""

PATHS = {
    "onboarding": "Browser",
    "wake": "Automatic",
    "sweep": "Safety check",
    "manual": "Staff",
}
"""How an install was started, in the order of the screen."""

RESOURCES = {
    "shop": "Shop details",
    "products": "Products",
    "customers": "Customers",
    "orders": "Orders",
    "collection_products": "Products in collections",
}
"""Where the name of a resource, or of a kind of row, is not the screen's word."""

ACTOR_OF_HOLD = {
    Hold.REAUTHORISE: Who.MERCHANT,
    Hold.SCOPE: Who.MERCHANT,
    Hold.FROZEN: Who.MERCHANT,
    Hold.GONE: Who.MERCHANT,
    Hold.LOCKED: Who.SHOPIFY,
    Hold.UNINSTALLED: Who.MERCHANT,
    Hold.STOPPED: Who.NOBODY,
}

SILENT = "unavailable"
"""The error class of a try that got no answer."""

SHOPIFYS_FAULT = frozenset({SILENT, "throttled"})
"""Error classes that Shopify, not we, must mend."""


def cause_words(cause: str | None) -> str:
    """The screen's words for a cause key; a key that no table knows is an error of ours."""
    return CAUSES.get(cause or "internal", CAUSES["internal"])


def resource_words(resource: str) -> str:
    """The screen's name of a resource."""
    return RESOURCES.get(resource, resource.replace("_", " ").capitalize())


def count(n: int, one: str, many: str | None = None, *, capped: bool = False) -> str:
    """`1 shop`, `3 shops`, `10,000+ shops`."""
    noun = one if n == 1 and not capped else many or f"{one}s"
    return f"{n:,}{'+' if capped else ''} {noun}"


def span(seconds: float) -> str:
    """A duration in at most two units: `40 s`, `1 min 50 s`, `41 min`, `11 h 24 min`, `3 days 4 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return _two(whole // 60, "min", whole % 60, "s")
    if whole < 86_400:
        minutes = whole // 60
        return f"{minutes} min" if minutes < 60 else _two(minutes // 60, "h", minutes % 60, "min")
    hours = whole // 3600
    return _two(hours // 24, "day" if hours < 48 else "days", hours % 24, "h")


def _two(first: int, first_unit: str, second: int, second_unit: str) -> str:
    return f"{first} {first_unit}" + (f" {second} {second_unit}" if second else "")


def inside(words: str) -> str:
    """Screen words in the middle of a sentence: a small first letter, unless it is a name."""
    return words if words.startswith("Shopify") else words[:1].lower() + words[1:]


def clean(text: str | None) -> str:
    """A reason or an error as part of a sentence: one line, no full stop at its end."""
    return " ".join((text or "").split()).rstrip(".")
