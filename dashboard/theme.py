"""The words and colours of the screen: one table each, so that one word means one thing on every page.

`CODE_WORDS` lists the words of the code that no page, alert or ticket may show; a test looks for them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sync_core.states import Hold, Mode, Outcome, Status, Trigger

# Streamlit's browser code replaces exactly these placeholders by theme.chartCategoricalColors of
# .streamlit/config.toml, so charts follow light and dark without a rerun. Private to Streamlit: only here.
ACCENT, GOOD, BAD, WARN, MUTED, SECOND, SOFT, TRACK = (f"#00000{number}" for number in range(1, 9))


def tint(colour: str, alpha: str) -> str:
    """A placeholder with an alpha: the browser replaces the first seven characters only."""
    return colour + alpha


CODE_WORDS: dict[str, str] = {
    "pick-up": "started",
    "claim": "started",
    "lease": "last sign of life",
    "fence": "",
    "generation": "install no. 2",
    "wake": "started automatically",
    "sweep": "safety check",
    "hold": "blocked",
    "steal": "taken over",
    "stolen": "taken over",
    "orphaned": "worker died, continued",
    "released": "handed over at restart",
    "due_at": "next try",
    "slot": "scheduled check",
    "addressable": "not blocked by the merchant",
    "Kaplan-Meier": "behind “how this is counted”",
    "Wilson": "behind “how this is counted”",
    "reauthorise": "access revoked",
    "IN_PROGRESS": "syncing",
    "COMPLETED": "up to date",
    "PENDING": "waiting to be started",
    "FAILED": "failed",
}
"""In the code → on the screen. Pick-up rate and Sweep success stay: they are the users' own names of two objectives."""

OBJECTIVE_NAMES = ("Success rate", "Pick-up rate", "Time to sync", "Sweep success")


class Words(NamedTuple):
    """How one thing is called, and the icon beside it."""

    text: str
    icon: str


STATUSES: dict[Status, str] = {
    Status.PENDING: "Waiting to be started",
    Status.IN_PROGRESS: "Syncing",
    Status.COMPLETED: "Up to date",
    Status.FAILED: "Failed, tries again",
}

HOLDS: dict[Hold, str] = {
    Hold.FROZEN: "Plan frozen",
    Hold.LOCKED: "Shop locked",
    Hold.SCOPE: "Permission missing",
    Hold.REAUTHORISE: "Access revoked",
    Hold.GONE: "Shop not found",
    Hold.UNINSTALLED: "Uninstalled",
    Hold.STOPPED: "Stopped by staff",
}

STARTED: dict[Trigger, str] = {
    Trigger.ONBOARDING: "started by the merchant's browser",
    Trigger.MANUAL: "started by staff",
    Trigger.API: "started by a program",
    Trigger.CLI: "started from the command line",
    Trigger.WEBHOOK: "started by a message from Shopify",
    Trigger.SWEEP: "started by the safety check",
    Trigger.WAKE: "started automatically",
    Trigger.RETRY: "tried again by itself",
    Trigger.REFRESH: "scheduled refresh",
    Trigger.PROBE: "asked Shopify again by itself",
}

PATHS: dict[str, str] = {
    "onboarding": "Browser",
    "wake": "Automatic",
    "sweep": "Safety check",
    "manual": "Staff",
}
"""How an install was first started; the four groups in which health counts."""

MODES: dict[Mode, str] = {Mode.CHANGES: "Changes", Mode.EVERYTHING: "Everything"}

OUTCOMES: dict[Outcome, Words] = {
    Outcome.COMPLETED: Words("done", ":material/check:"),
    Outcome.FAILED: Words("failed", ":material/close:"),
    Outcome.ORPHANED: Words("worker died, continued by another", ":material/sync_problem:"),
    Outcome.RELEASED: Words("handed over at a restart", ":material/swap_horiz:"),
    Outcome.STOLEN: Words("taken over", ":material/swap_horiz:"),
    Outcome.CANCELLED: Words("cancelled", ":material/block:"),
}

RESOURCES: dict[str, str] = {
    "shop": "Shop details",
    "products": "Products",
    "variants": "Variants",
    "customers": "Customers",
    "orders": "Orders",
    "line_items": "Order lines",
    "refunds": "Refunds",
}


def status_words(status: str, hold: str | None, *, synced: bool) -> str:
    """The state of a shop in words for tables: Up to date, Blocked: access revoked, …

    `synced`: the shop's data was complete at least once, so a failed refresh is no emergency.
    """
    if hold is not None:
        words = HOLDS[Hold(hold)]
        return words if hold in (Hold.UNINSTALLED, Hold.STOPPED) else f"Blocked: {words.lower()}"
    if status == Status.FAILED and synced:
        return "Refresh failed, tries again"
    return STATUSES[Status(status)]


INLINE = re.compile(r"([\\`*_\[\]<>~$|#])")
LINE_START = re.compile(r"^([-+=]|\d+(?=[.)]))")
SELF_MADE = re.compile(r"(:|@|www\.)(?=\S)")
WORD_JOINER = "\u2060"


def plain(text: str) -> str:
    """Text from outside (a shop's name, an error) with nothing left that markdown would act on.

    Emoji codes, addresses and directives are made from plain text after parsing, where a backslash no longer
    counts: an invisible joiner breaks them.
    """
    one_line = " ".join(text.split())
    escaped = LINE_START.sub(WORD_JOINER + r"\1", INLINE.sub(r"\\\1", one_line))
    return SELF_MADE.sub(r"\1" + WORD_JOINER, escaped)


def several(count: int, noun: str, plural: str | None = None) -> str:
    """1 shop, 2 shops, 1,200 shops."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
