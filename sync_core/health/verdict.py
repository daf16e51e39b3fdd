"""The one sentence at the top of the Overview: pure, from a snapshot of the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sync_core.explain import Say
from sync_core.health.fleet import Fleet


class Kind(StrEnum):
    FINE = "fine"
    RETRYING = "retrying"
    NEEDS_YOU = "needs you"
    CHECKS_SILENT = "checks silent"
    SHOPIFY_FAILING = "shopify failing"
    EMPTY = "empty"


@dataclass(frozen=True)
class Verdict:
    """The sentence; `bad`: red (a person must look at once)."""

    kind: Kind
    text: str
    bad: bool


def verdict(fleet: Fleet, *, say: Say) -> Verdict:
    """The sentence for this snapshot; moments are rendered by `say`."""
    raise NotImplementedError
