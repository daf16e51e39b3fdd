"""Why a shop is where it is, what happens next, and who must act: pure, total, the screen's words.

`explain` gives the Shop page's sentences, `problem` and `next_step` the two lines of a Needs-you
row. Moments are rendered by the `say` of the caller, in the viewer's zone.
"""

from __future__ import annotations

from sync_core.explain.blocked import blocked
from sync_core.explain.needs import next_step, problem
from sync_core.explain.running import running, worker_died
from sync_core.explain.situation import Explanation, Need, Run, Situation, Step, needs_first
from sync_core.explain.waiting import retrying, up_to_date, waiting
from sync_core.explain.words import CAUSES, CHIPS, PATHS, Action, Say, Who, cause_words, count, resource_words, span
from sync_core.states import Hold, Status

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
    "needs_first",
    "next_step",
    "problem",
    "resource_words",
    "span",
]


def explain(situation: Situation, *, say: Say) -> Explanation:
    """The sentences of a Shop page for any situation."""
    if situation.hold is Hold.UNINSTALLED:
        return blocked(situation, Hold.UNINSTALLED, say)
    if situation.running:
        return worker_died(situation, say) if situation.expired else running(situation, say)
    if situation.hold is not None:
        return blocked(situation, situation.hold, say)
    if situation.run is not None or situation.status is Status.PENDING:
        return waiting(situation, say)
    return up_to_date(situation, say) if situation.status is Status.COMPLETED else retrying(situation, say)
