"""The two lines of a Needs-you row."""

from __future__ import annotations

from sync_core.explain.situation import Need
from sync_core.explain.words import ATTENTION, OVERDUE, Say, cause_words, clean, inside

PROBLEMS = {
    "reauthorise": "Shopify refuses our access since {since}; asked again once, refused",
    "scope": "A permission to read products is missing since {since}",
    "frozen": "Shopify froze the plan at {since}; most often a bill is unpaid",
    "locked": "Locked by Shopify since {since}",
    "gone": "Shopify does not know the shop since {since}",
}

MENDS = {
    "reauthorise": "No try until the merchant reconnects",
    "scope": "No try until the merchant agrees to the permissions",
    "gone": "No try until the merchant installs again",
}


def problem(need: Need, *, say: Say) -> str:
    """The first line: what is wrong, since when."""
    since = say(need.held_since or need.since)
    if need.cause == OVERDUE:
        return f"The next try was to start at {since}" if need.failures else f"Waiting to be started since {since}"
    if need.cause == ATTENTION:
        why = clean(need.error_message) or inside(cause_words(need.error_class))
        return f"Failed {need.failures:,} times since {since}: {why}"
    return PROBLEMS[need.cause].format(since=since)


def next_step(need: Need, *, say: Say, needs_first: str | None) -> str:
    """The second line: what happens by itself, and when. `needs_first`: who must run before anything does."""
    if need.next_at is None:
        return MENDS.get(need.cause, "No try by itself")
    if needs_first:
        return f"No try until {needs_first} runs"
    if need.cause == OVERDUE:
        return "It starts when a worker is free"
    what = "Next try" if need.cause == ATTENTION else "We look again at"
    return f"{what} {say(need.next_at)}, by itself"
