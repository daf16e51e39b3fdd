"""Every change of a shop's status: request, claim, renew, complete, fail, release, and the episodes.

Law: the design page "The life of a shop's sync", whose exhaustive model checks each rule. Verbs take
the caller's write transaction and `now`. Losing a race is a return value (or StaleClaim inside a
run); doing something forbidden is an exception. Nothing outside this package writes a status.
"""

from __future__ import annotations

from sync_core.lifecycle.causes import Cause, cause_of, redact
from sync_core.lifecycle.claims import Claim, claim, claim_shop
from sync_core.lifecycle.episodes import adopt, authorise_again, begin, begin_again, uninstall
from sync_core.lifecycle.requests import Answer, Asked, request, stop, take_over
from sync_core.lifecycle.rows import Event, locked
from sync_core.lifecycle.runs import Failed, Usage, checkpoint, complete, fail, guard, release, renew

__all__ = [
    "Answer",
    "Asked",
    "Cause",
    "Claim",
    "Event",
    "Failed",
    "Usage",
    "adopt",
    "authorise_again",
    "begin",
    "begin_again",
    "cause_of",
    "checkpoint",
    "claim",
    "claim_shop",
    "complete",
    "fail",
    "guard",
    "locked",
    "redact",
    "release",
    "renew",
    "request",
    "stop",
    "take_over",
    "uninstall",
]
