"""Why a shop is where it is, what happens next, and who must act: pure, total, the screen's words.

`explain` gives the Shop page's sentences, `problem` and `next_step` the two lines of a Needs-you
row, `label` the one word of a table's cell.
"""

from __future__ import annotations

from sync_core.explain.situation import Explanation, Need, Run, Situation, Step
from sync_core.explain.words import CAUSES, CHIPS, PATHS, Action, Say, Who, cause_words, count, resource_words, span

__all__ = [
    "CAUSES",
    "CHIPS",
    "PATHS",
    "Action",
    "Explanation",
    "Need",
    "Run",
    "Say",
    "Situation",
    "Step",
    "Who",
    "cause_words",
    "count",
    "explain",
    "label",
    "next_step",
    "problem",
    "resource_words",
    "span",
]


def explain(situation: Situation, *, say: Say) -> Explanation:
    """The sentences of a Shop page for any situation."""
    raise NotImplementedError


def label(situation: Situation, *, say: Say) -> str:
    """The status in a few words, for a table's cell: `Up to date`, `Blocked: access revoked`."""
    raise NotImplementedError


def problem(need: Need, *, say: Say) -> str:
    """The first line of a Needs-you row: what is wrong, since when."""
    raise NotImplementedError


def next_step(need: Need, *, say: Say) -> str:
    """The second line of a Needs-you row: what happens by itself, and when."""
    raise NotImplementedError
