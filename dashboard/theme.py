"""Colours, pictures and the words that never reach the screen.

What the code calls a hold, a cause or a trigger gets its words in sync_core.explain; `CODE_WORDS` is the other
side of that table: a test finds none of them on any page.
"""

from __future__ import annotations

import re
from typing import Literal

from sync_core.explain import Who, cause_words
from sync_core.health import Mark
from sync_core.states import Hold, Status

# Streamlit's browser code replaces exactly these placeholders by theme.chartCategoricalColors of
# .streamlit/config.toml, so charts follow light and dark without a rerun. Private to Streamlit: only here.
ACCENT, GOOD, BAD, WARN, MUTED, SECOND, SOFT, TRACK = (f"#00000{number}" for number in range(1, 9))


def tint(colour: str, alpha: str) -> str:
    """A placeholder with an alpha: the browser replaces the first seven characters only."""
    return colour + alpha


CODE_WORDS: dict[str, str] = {
    "pickup": "started",
    "claim": "started",
    "lease": "last sign of life",
    "fence": "(hidden)",
    "generation": "install no. 2",
    "wake": "started automatically",
    "sweep": "safety check",
    "hold": "blocked: <reason>",
    "steal": "taken over",
    "stolen": "taken over",
    "orphaned": "worker died, continued",
    "released": "handed over at restart",
    "due_at": "next try",
    "slot": "scheduled check",
    "addressable": "not blocked by the merchant",
    "reauthorise": "access revoked",
    "IN_PROGRESS": "syncing",
    "COMPLETED": "up to date",
    "PENDING": "waiting to be started",
    "FAILED": "failed",
    "Kaplan-Meier": "behind “How this is counted”",
    "Wilson": "behind “How this is counted”",
}
"""In the code → on the screen, whole words."""

SUCCESS, PICK_UP, TIME, CHECKS = "Success rate", "Pick-up rate", "Time to sync", "Sweep success"
"""The users' own names of the four objectives: the only place where their words win over the table."""


def chip_colour(who: Who) -> Literal["violet", "gray"]:
    """The accent for what we must do ourselves, grey for the rest."""
    return "violet" if who is Who.US else "gray"


MARK_ICONS = {
    Mark.RUNNING: "spinner",
    Mark.WAITING: ":material/hourglass_empty:",
    Mark.DONE: ":material/check:",
    Mark.FAILED: ":material/close:",
    Mark.BLOCKED: ":material/block:",
    Mark.STAFF: ":material/person:",
    Mark.NOTE: ":material/edit:",
    Mark.INSTALLED: ":material/storefront:",
    Mark.UNINSTALLED: ":material/logout:",
}

STATUSES = {
    Status.PENDING: "Waiting to be started",
    Status.IN_PROGRESS: "Syncing",
    Status.COMPLETED: "Up to date",
    Status.FAILED: "Failed, tries again",
}


def status_words(status: Status, hold: Hold | None, *, synced: bool) -> str:
    """The state of a shop in a table's cell. `synced`: it had its data once."""
    if hold in (Hold.UNINSTALLED, Hold.STOPPED):
        return cause_words(hold)
    if hold is not None:
        words = cause_words(hold)
        return f"Blocked: {words[0].lower()}{words[1:]}"
    return "Refresh failed, tries again" if status is Status.FAILED and synced else STATUSES[status]


INLINE = re.compile(r"([\\`*_\[\]<>~$|#])")
LINE_START = re.compile(r"^([-+=]|\d+(?=[.)]))")
SELF_MADE = re.compile(r"(:|@|www\.)(?=\S)")
WORD_JOINER, NO_BREAK = "\u2060", "\u00a0"


def plain(text: str) -> str:
    """Text from outside (a shop's name, an error) with nothing left that markdown would act on.

    Emoji codes, addresses and directives are made from plain text after parsing, where a backslash no longer
    counts: an invisible joiner breaks them. A time like 14:25 stays as it is.
    """
    one_line = " ".join(text.split()).replace(" %", NO_BREAK + "%")
    escaped = LINE_START.sub(WORD_JOINER + r"\1", INLINE.sub(r"\\\1", one_line))
    return SELF_MADE.sub(_broken, escaped)


def _broken(found: re.Match[str]) -> str:
    inside_a_time = found.group() == ":" and found.string[found.end()].isdigit()
    return found.group() if inside_a_time else found.group() + WORD_JOINER
