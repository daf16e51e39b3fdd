"""The sentences for a shop that waits, fails and tries again, or is up to date."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sync_core.explain.running import nobody_works, started_by
from sync_core.explain.situation import Explanation, Situation
from sync_core.explain.words import SHOPIFYS_FAULT, Action, Say, Who, cause_words, clean, count, resource_words, span
from sync_core.states import Mode


def waiting(at: Situation, say: Say) -> Explanation:
    """Asked for, or installed, and not started yet."""
    return Explanation(
        headline=_waiting_headline(at, say),
        now=_waiting_now(at, say),
        why=_waiting_why(at, say),
        next=_waiting_next(at, say),
        who=Who.US if _late(at) else Who.NOBODY,
        read_aloud=_waiting_aloud(at),
        action=sync_now(at).action,
        off_because=sync_now(at).off_because,
    )


def retrying(at: Situation, say: Say) -> Explanation:
    """The last try failed; the next one comes by itself."""
    return Explanation(
        headline=_failed_headline(at, say),
        now=f"{_failed(at, say)}; {_data(at, say)}.",
        why=f"{_cause(at)}.",
        next=_retry_next(at, say),
        who=_who_mends(at),
        read_aloud=_failed_aloud(at),
        action=sync_now(at).action,
        off_because=sync_now(at).off_because,
    )


def up_to_date(at: Situation, say: Say) -> Explanation:
    """All is stored."""
    return Explanation(
        headline=_fresh_headline(at, say),
        now=f"{_complete(at)}.",
        why="The last sync ended well." if at.data_of else "The app said so when we took the shop over.",
        next=_fresh_next(at, say),
        who=Who.NOBODY,
        read_aloud=_fresh_aloud(at),
        action=sync_now(at).action,
        off_because=sync_now(at).off_because,
    )


class Offer(NamedTuple):
    """What stands where Sync now stands, and why it is off when it is."""

    action: Action
    off_because: str | None


def sync_now(at: Situation) -> Offer:
    """Sync now, or off while nobody could perform it."""
    return Offer(Action.SYNC, None) if at.workers_alive else Offer(Action.OFF, "No worker is alive.")


def _late(at: Situation) -> bool:
    """Whether it waits longer than it should, or nobody would start it."""
    return at.overdue or at.needs_first is not None


def _by_itself(at: Situation) -> bool:
    """Whether its turn has not come yet, and comes without anybody's help."""
    return at.run is None and at.ahead is None and at.next_at is not None and at.next_at > at.now


def _waiting_headline(at: Situation, say: Say) -> str:
    if at.needs_first:
        return "Waiting to be started, and nobody starts it."
    if at.overdue:
        return "Waiting to be started, and late."
    if _by_itself(at):
        return f"Waiting to be started; it starts by itself at {say(at.next_at or at.now)}."
    if _minutes_away(at):
        return f"Waiting for a free worker; its turn comes at about {say(at.next_at or at.now)}."
    return "Waiting for a free worker."


def _minutes_away(at: Situation) -> bool:
    """Whether its turn comes so late that a time says more than `as soon as`."""
    return at.next_at is not None and at.next_at - at.now >= timedelta(minutes=1)


def _waiting_now(at: Situation, say: Say) -> str:
    data = _data(at, say)
    if at.run is None:
        number = f" (install no. {at.generation})" if at.generation > 1 else ""
        return f"Installed at {say(at.installed_at)}{number} and not started yet; {data}."
    what = "Reading everything again" if at.run.mode is Mode.EVERYTHING else "A sync"
    by = started_by(at.run.trigger, at.run.actor).replace("started", "asked for", 1)
    by = by if by.startswith("asked for") else f"asked for: {by}"
    return f"{what} was {by} at {say(at.run.requested_at)}; {data}."


def _waiting_why(at: Situation, say: Say) -> str:
    if at.needs_first:
        return _nobody_because(at)
    if at.ahead:
        return f"{count(at.ahead, 'shop', capped=at.ahead_capped)} before it: its turn comes by order and age."
    if at.run is not None:
        reason = clean(at.run.reason)
        return f"{reason}." if reason else "A free worker takes it next."
    if at.failures:
        return f"{_failed(at, say)}: {_cause(at)}."
    if at.prompt:
        return "The merchant's browser has the first few seconds; then it is started automatically."
    return "The merchant's browser has not asked for it; the safety check does when it was given its time."


def _nobody_because(at: Situation) -> str:
    if not at.workers_alive:
        return "No process that runs syncs is alive."
    return "The scheduler gives no sign of life, so no safety check starts it."


def _waiting_next(at: Situation, say: Say) -> str:
    if not at.workers_alive:
        return nobody_works(at, say)
    if at.needs_first:
        return "Nothing happens by itself until the scheduler runs again; Sync now starts it."
    if _by_itself(at):
        sooner = "" if at.overdue else ", or at once when the merchant's browser asks"
        return f"It starts by itself at {say(at.next_at or at.now)}{sooner}."
    if _minutes_away(at):
        return f"It starts when its turn comes, at about {say(at.next_at or at.now)}."
    if at.ahead_capped:
        return "It starts when its turn comes; so many are before it that nobody can say when."
    return "It starts as soon as a worker is free."


def _waiting_aloud(at: Situation) -> str:
    if _late(at):
        return "Copying your data has not started yet; our team is on it. You need not do anything."
    return "Copying your data starts in a moment. You need not do anything and may close the page."


def _failed_headline(at: Situation, say: Say) -> str:
    then = f"next try at {say(at.next_at)}" if at.next_at and at.next_at > at.now else "next try at once"
    if at.overdue:
        then = "the next try is late"
    if at.needs_first:
        then = "nobody starts the next try"
    if at.data_of is not None:
        return f"Data of {say(at.data_of)}; refresh failed, {then}."
    return f"Failed {_times(at.failures)}; {then}."


def _failed(at: Situation, say: Say) -> str:
    since = say(at.failing_since or at.since)
    if at.failures <= 1:
        return f"The last try failed at {since}"
    return f"{at.failures:,} tries in a row failed since {since}"


def _times(failures: int) -> str:
    return {0: "once", 1: "once", 2: "twice"}.get(failures, f"{failures:,} times")


def _cause(at: Situation) -> str:
    detail = clean(at.error_message)
    return cause_words(at.error_class) + (f": {detail}" if detail else "")


def _data(at: Situation, say: Say) -> str:
    return f"the data of {say(at.data_of)} stays in use" if at.data_of else "there is no data yet"


def _retry_next(at: Situation, say: Say) -> str:
    if not at.workers_alive:
        return nobody_works(at, say)
    if at.needs_first:
        return "Nothing happens by itself until the scheduler runs again; Sync now tries at once."
    if at.next_at is not None and at.next_at > at.now:
        return f"The next try comes at {say(at.next_at)}, by itself; Sync now tries at once."
    if at.ahead_capped:
        return "The next try starts when its turn comes; so many are before it that nobody can say when."
    return "The next try starts as soon as a worker is free."


def _who_mends(at: Situation) -> Who:
    if _late(at):
        return Who.US
    if not at.attention:
        return Who.NOBODY
    return Who.SHOPIFY if at.error_class in SHOPIFYS_FAULT else Who.US


def _failed_aloud(at: Situation) -> str:
    if _late(at) or at.attention:
        return "Copying your data did not succeed yet; our team is on it. You need not do anything."
    if at.error_class in SHOPIFYS_FAULT:
        return "Shopify answers slowly at the moment; we try again by ourselves. You need not do anything."
    return "Copying your data was interrupted; we try again by ourselves. You need not do anything."


def _fresh_headline(at: Situation, say: Say) -> str:
    if at.data_of is None:
        return "Up to date."
    return f"Up to date: data of {say(at.data_of)}, {span((at.now - at.data_of).total_seconds())} old."


def _complete(at: Situation) -> str:
    if not at.skipped:
        return "Everything is here"
    return f"Complete, without {_without(at)}: permission missing"


def _without(at: Situation) -> str:
    return " and ".join(resource_words(name).lower() for name in at.skipped)


def _fresh_next(at: Situation, say: Say) -> str:
    due = at.next_at or at.due_at
    if due is None:
        return "The next sync comes when Shopify reports a change or somebody asks for one."
    if not at.workers_alive:
        return nobody_works(at, say)
    if at.needs_first:
        return "The data is not refreshed until the scheduler runs again; Sync now does it."
    if due <= at.now:
        return "The data is refreshed as soon as a worker is free."
    return f"The data is refreshed by itself at {say(due)}."


def _fresh_aloud(at: Situation) -> str:
    if not at.skipped:
        return "Your data is complete and up to date."
    return f"Your data is up to date, without your {_without(at)}: our app has no permission to read them."
