"""The one sentence at the top of the Overview: pure, from a snapshot of the fleet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync_core.explain import Say, count, span
from sync_core.health.answering import Answering
from sync_core.health.fleet import Fleet
from sync_core.heartbeat import SILENT_SECONDS

RESTART = timedelta(seconds=SILENT_SECONDS)
"""A scheduler that ended on purpose is awaited for so long."""


class Kind(StrEnum):
    FINE = "fine"
    RETRYING = "retrying"
    NEEDS_YOU = "needs you"
    CHECKS_SILENT = "checks silent"
    CHECKS_FAIL = "checks fail"
    NO_WORKER = "no worker"
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
    silence = _silence(fleet, say)
    if silence is not None:
        return silence
    if not fleet.workers.alive and fleet.waiting + fleet.retrying:
        return Verdict(Kind.NO_WORKER, f"{_due(fleet)} and no worker is alive: open System.", bad=True)
    if fleet.shopify.kind is Answering.FAILING:
        return Verdict(Kind.SHOPIFY_FAILING, _shopify(fleet, say), bad=True)
    if fleet.groups:
        return Verdict(Kind.NEEDS_YOU, _needs(fleet), bad=False)
    if fleet.installed == 0:
        return Verdict(Kind.EMPTY, "No shop is installed yet.", bad=False)
    return _fine(fleet)


def _silence(fleet: Fleet, say: Say) -> Verdict | None:
    if fleet.checks.last_at is None:
        never = "The safety check has never run: open System."
        return Verdict(Kind.CHECKS_SILENT, never, bad=True) if fleet.installed else None
    since = silent_since(fleet)
    if since is None:
        return None
    if fleet.checks.failed and fleet.scheduler.alive:
        return Verdict(Kind.CHECKS_FAIL, f"The safety check fails since {say(since)}: open Checks.", bad=True)
    return Verdict(Kind.CHECKS_SILENT, f"The safety check has not run since {say(since)}: open System.", bad=True)


def silent_since(fleet: Fleet) -> datetime | None:
    """Since when nobody checks: the scheduler fell silent and nobody stood in, or no tick went well for two periods."""
    checks, seen_at = fleet.checks, fleet.scheduler.seen_at
    if checks.excused_until is not None and checks.excused_until > fleet.at:
        return None
    stands_in = seen_at is None or checks.last_at is None or checks.last_at > seen_at
    if not (fleet.scheduler.alive or stands_in) and seen_at is not None and fleet.at - seen_at > RESTART:
        return seen_at
    good = checks.last_good_at or checks.last_at
    heard = max(good, checks.excused_until) if good and checks.excused_until else good
    return good if heard is not None and fleet.at - heard > 2 * fleet.checks.period else None


def _due(fleet: Fleet) -> str:
    n, capped = fleet.waiting + fleet.retrying, bool(fleet.capped & {"waiting", "retrying"})
    return f"{count(n, 'shop', capped=capped)} {'waits' if n == 1 else 'wait'} for a sync,"


def _shopify(fleet: Fleet, say: Say) -> str:
    state = fleet.shopify
    since = f" since {say(state.since)}" if state.since else ""
    head = f"Shopify is failing for {state.failing:,} of {count(state.asked, 'shop')}{since}"
    if not fleet.groups:
        return f"{head}: nothing to do."
    return f"{head}; {fleet.needy} {'needs' if fleet.needs_n == 1 else 'need'} you."


def _needs(fleet: Fleet) -> str:
    age = span((fleet.at - (fleet.oldest or fleet.at)).total_seconds())
    if fleet.needs_n == 1:
        return f"1 shop needs you; it waits {age}."
    return f"{fleet.needy} need you; the oldest waits {age}."


def _fine(fleet: Fleet) -> Verdict:
    all_of_them, retrying = fleet.counted("installed"), fleet.counted("retrying")
    syncing = f"; {fleet.counted('syncing')} syncing" if fleet.syncing else ""
    if fleet.retrying:
        verb = "retries by itself" if fleet.retrying == 1 else "retry by themselves"
        text = f"No shop needs you; {retrying} of {all_of_them} {verb}{syncing}."
        return Verdict(Kind.RETRYING, text, bad=False)
    if fleet.installed == 1:
        return Verdict(Kind.FINE, "The one shop is syncing." if fleet.syncing else "The one shop is fine.", bad=False)
    return Verdict(Kind.FINE, f"All {all_of_them} shops fine{syncing}.", bad=False)
