"""A shop's life in the screen's words, newest first: pure, from a ShopView."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sync_core.explain import cause_words, count, resource_words, span
from sync_core.explain.running import started_by
from sync_core.explain.words import clean, inside
from sync_core.health.cohort import path_of
from sync_core.health.shop import Act, Attempt, Change, Episode, ShopView, StaffNote
from sync_core.states import Hold, Mode, Outcome


class Mark(StrEnum):
    """Which picture stands beside an entry."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    STAFF = "staff"
    NOTE = "note"
    INSTALLED = "installed"
    UNINSTALLED = "uninstalled"


@dataclass(frozen=True)
class Entry:
    """One line; `details` unfold as (name, value) pairs. `attempt_id` is for engineers."""

    at: datetime
    mark: Mark
    title: str
    body: str = ""
    details: tuple[tuple[str, str], ...] = ()
    attempt_id: str | None = None


def timeline(view: ShopView) -> list[Entry]:
    """What happened to this shop, newest first."""
    entries = [_attempt(attempt, view) for attempt in view.attempts]
    entries += [entry for episode in view.episodes for entry in _episode(episode)]
    entries += [entry for change in view.changes for entry in _change(change)]
    entries += [Entry(note.at, Mark.NOTE, f"Note by {note.by}", body=_note(note)) for note in view.notes]
    entries += [_act(act) for act in view.acts if act.act not in TOLD_ELSEWHERE]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


OUTCOMES = {
    Outcome.COMPLETED: (Mark.DONE, "done"),
    Outcome.FAILED: (Mark.FAILED, "failed"),
    Outcome.ORPHANED: (Mark.FAILED, "worker died, continued by another"),
    Outcome.RELEASED: (Mark.DONE, "handed over at restart"),
    Outcome.STOLEN: (Mark.STAFF, "taken over"),
    Outcome.CANCELLED: (Mark.FAILED, "cancelled"),
}

TOLD_ELSEWHERE = frozenset({"sync", "read_everything", "take_over", "stop", "note"})
"""Acts that the timeline tells by their effect."""


def _attempt(attempt: Attempt, view: ShopView) -> Entry:
    mark, end = _end(attempt, view)
    what = "Everything" if attempt.mode == Mode.EVERYTHING else "Changes" if _had_data(attempt, view) else "First sync"
    title = f"{what}, {started_by(attempt.trigger, attempt.actor)} · {end}"
    begun = attempt.claimed_at or attempt.requested_at
    return Entry(begun, mark, title, details=tuple(_details(attempt)), attempt_id=attempt.id)


def _end(attempt: Attempt, view: ShopView) -> tuple[Mark, str]:
    if attempt.outcome is None:
        return (Mark.RUNNING, "running") if attempt.claimed_at else (Mark.WAITING, "waiting to be started")
    mark, words = OUTCOMES[attempt.outcome]
    if attempt.outcome is Outcome.COMPLETED:
        return mark, f"{words} in {_took(attempt)}{_main_count(attempt)}"
    if attempt.outcome is Outcome.FAILED:
        return mark, f"{words}: {inside(cause_words(attempt.error_class))}{_healed(attempt, view)}"
    return mark, words


def _took(attempt: Attempt) -> str:
    if attempt.claimed_at is None or attempt.ended_at is None:
        return span(0)
    return span((attempt.ended_at - attempt.claimed_at).total_seconds())


def _main_count(attempt: Attempt) -> str:
    done = (attempt.progress.get("products") or {}).get("done")
    return f", {count(done, 'product')}" if done else ""


def _healed(attempt: Attempt, view: ShopView) -> str:
    """How long after this failure a later try went well, if one did."""
    ended = attempt.ended_at
    wells = [each.ended_at for each in view.attempts if each.outcome is Outcome.COMPLETED and each.ended_at]
    after = [at for at in wells if ended is not None and at > ended]
    return f"; healed by itself {span((min(after) - ended).total_seconds())} later" if after and ended else ""


def _had_data(attempt: Attempt, view: ShopView) -> bool:
    episode = next((each for each in view.episodes if each.generation == attempt.generation), None)
    first = episode.first_synced_at if episode else None
    return first is not None and (attempt.claimed_at or attempt.requested_at) >= first


def _details(attempt: Attempt) -> Iterator[tuple[str, str]]:
    if clean(attempt.reason):
        yield "Reason", clean(attempt.reason)
    if attempt.plan:
        yield "Plan", attempt.plan
    if attempt.error_message:
        yield "Error", clean(attempt.error_message)
    if attempt.http_status:
        yield "Shopify's answer", str(attempt.http_status)
    if attempt.request_id:
        yield "Shopify's request", attempt.request_id
    stored = [f"{facts['done']:,} of {resource_words(name).lower()}" for name, facts in _stored(attempt)]
    if stored:
        yield "Stored", ", ".join(stored)
    for name, facts in attempt.progress.items():
        if facts.get("skipped"):
            yield "Skipped", f"{resource_words(name)}: {facts['skipped']}"


def _stored(attempt: Attempt) -> list[tuple[str, dict[str, Any]]]:
    return [(name, facts) for name, facts in attempt.progress.items() if facts.get("done") and name != "shop"]


def _episode(episode: Episode) -> Iterator[Entry]:
    again = f"Installed again (install no. {episode.generation})" if episode.generation > 1 else "Installed"
    yield Entry(episode.installed_at, Mark.INSTALLED, again)
    if episode.first_claimed_at is not None:
        after = span((episode.first_claimed_at - episode.installed_at).total_seconds())
        how = STARTS[path_of(episode.path) or "wake"]
        yield Entry(episode.first_claimed_at, Mark.WAITING, f"{how} {after} after install")
    if episode.first_synced_at is not None:
        after = span((episode.first_synced_at - episode.installed_at).total_seconds())
        yield Entry(episode.first_synced_at, Mark.DONE, f"First data after {after}")


STARTS = {
    "onboarding": "The browser came; started",
    "wake": "The browser was closed; started automatically",
    "sweep": "The browser was closed; started by the safety check",
    "manual": "The browser was closed; started by staff",
}


def _change(change: Change) -> Iterator[Entry]:
    """What the attempts do not tell: blocked, free again, stopped, uninstalled."""
    if change.from_hold is change.to_hold:
        return
    if change.to_hold is Hold.UNINSTALLED:
        yield Entry(change.at, Mark.UNINSTALLED, "Uninstalled by the merchant")
    elif change.to_hold is Hold.STOPPED:
        yield Entry(change.at, Mark.STAFF, f"Stopped by {change.who or 'staff'}", body=_sentence(change.why))
    elif change.to_hold is not None:
        yield Entry(change.at, Mark.BLOCKED, f"Blocked: {inside(cause_words(change.to_hold))}")
    elif change.from_hold not in (Hold.UNINSTALLED, None):
        yield Entry(change.at, Mark.DONE, f"Free again; before: {inside(cause_words(change.from_hold))}")


def _note(note: StaffNote) -> str:
    return f"{note.text} (ticket {note.ticket})" if note.ticket else note.text


def _act(act: Act) -> Entry:
    title = f"{act.act.replace('_', ' ').capitalize()}, by {act.actor}"
    return Entry(act.at, Mark.STAFF, title, body=_sentence(act.reason))


def _sentence(text: str | None) -> str:
    return f"{clean(text)}." if clean(text) else ""
