"""The sentences for a shop whose sync runs, or was running when its worker died."""

from __future__ import annotations

from datetime import timedelta

from sync_core.explain.situation import Explanation, Run, Situation, Step
from sync_core.explain.words import Action, Say, Who, cause_words, clean, count, inside, resource_words, span
from sync_core.states import Hold, Mode, Trigger

STARTED = {
    Trigger.ONBOARDING: "started by the merchant's browser",
    Trigger.MANUAL: "started by staff",
    Trigger.API: "started by a program",
    Trigger.CLI: "started from the command line",
    Trigger.WEBHOOK: "started by a message from Shopify",
    Trigger.SWEEP: "started by the safety check",
    Trigger.WAKE: "started automatically",
    Trigger.RETRY: "tried again automatically",
    Trigger.REFRESH: "started automatically to refresh the data",
    Trigger.PROBE: "started automatically to see whether Shopify lets us in again",
}


def started_by(trigger: Trigger, actor: str | None) -> str:
    """Who started it: a person by name where one did."""
    if actor and trigger in (Trigger.MANUAL, Trigger.CLI, Trigger.API):
        return f"started by {actor}"
    return STARTED[trigger]


def running(at: Situation, say: Say) -> Explanation:
    """A run with a living worker."""
    run = at.run or _unknown_run(at)
    return Explanation(
        headline=f"Syncing now: {_progress(run)}.",
        now=f"Syncing since {say(run.claimed_at or at.since)}, {started_by(run.trigger, run.actor)}; {_data(at, say)}.",
        why=_why(at, run, say),
        next=_next(at, run, say),
        who=Who.NOBODY,
        read_aloud=_read_aloud(run),
        action=Action.TAKE_OVER if at.quiet else Action.WATCH,
        off_because=None if at.quiet else "It is syncing already.",
    )


def worker_died(at: Situation, say: Say) -> Explanation:
    """A run whose worker gave no sign of life when it had to."""
    return Explanation(
        headline="The sync stood still: its worker gave no sign of life.",
        now=f"Its worker had to give a sign of life by {say(at.due_at or at.since)} and did not; {_data(at, say)}.",
        why="A process ended or lost the database; what it had stored stays stored.",
        next=_next_worker(at, say),
        who=Who.NOBODY if at.workers_alive else Who.US,
        read_aloud="Copying your data was interrupted; it goes on where it stopped.",
        action=Action.TAKE_OVER if at.workers_alive else Action.OFF,
        off_because=None if at.workers_alive else "No worker is alive.",
    )


def nobody_works(at: Situation, say: Say) -> str:
    """What happens next while no process runs syncs."""
    seen = f"the last one was seen at {say(at.workers_seen_at)}" if at.workers_seen_at else "none was ever seen"
    return f"Nothing happens until a worker runs: {seen}."


def _next_worker(at: Situation, say: Say) -> str:
    if not at.workers_alive:
        return nobody_works(at, say)
    if at.prompt:
        return "Another worker continues within seconds, from the last page stored."
    if at.scheduler_alive:
        return "The next safety check hands it on; another worker continues from the last page stored."
    return "Nothing happens by itself until the scheduler runs again; it may be taken over now."


def _unknown_run(at: Situation) -> Run:
    return Run(Trigger.WAKE, Mode.CHANGES, None, None, at.since, at.since, at.failures + 1)


def _current(run: Run) -> Step | None:
    """The resource that is being read, or None when nothing was read yet."""
    unended = [step for step in run.steps if not step.ended and step.skipped is None]
    return next((step for step in unended if step.done), unended[0] if unended else None)


def _progress(run: Run) -> str:
    step = _current(run)
    if step is None:
        return "storing the last rows" if run.steps else "just started"
    name = resource_words(step.resource).lower()
    left = f", about {span(run.seconds_left)} left" if run.seconds_left is not None else ""
    if step.total:
        return f"{name} at {_percent(step)} %{left}"
    return f"{step.done:,} of {name} read{left}" if step.done else f"{name} next{left}"


def _percent(step: Step) -> int:
    """Never 100 before the resource has ended."""
    return min(99, 100 * step.done // (step.total or 1))


def _data(at: Situation, say: Say) -> str:
    if at.data_of is not None:
        return f"the data of {say(at.data_of)} stays in use until it ends"
    return (
        "it is the first sync of this shop" if at.generation == 1 else f"it is the first of install no. {at.generation}"
    )


def _why(at: Situation, run: Run, say: Say) -> str:
    what = _what(at, run, say)
    reason = f": {clean(run.reason)}" if clean(run.reason) else ""
    if not at.failures:
        return f"{what}{reason}."
    failed = f"{count(at.failures, 'try', 'tries')} failed before it, the last: {inside(cause_words(at.error_class))}"
    return f"{what}{reason}; {failed}."


def _what(at: Situation, run: Run, say: Say) -> str:
    if at.hold is not None and at.hold is not Hold.STOPPED:
        return "It is tried whether the shop is still blocked"
    if run.mode is Mode.EVERYTHING:
        return "Everything is read again"
    if at.data_of is None:
        return f"The shop was installed at {say(at.installed_at)}"
    return f"What changed since the data of {say(at.data_of)} is read"


def _next(at: Situation, run: Run, say: Say) -> str:
    if at.quiet and at.moved_at is not None:
        ends = say(at.moved_at + timedelta(seconds=at.stall_seconds))
        return f"Nothing moved since {say(at.moved_at)}: at {ends} it ends and is tried again by itself."
    after = "If it fails, the next try comes by itself"
    if run.seconds_left is None:
        return f"It ends when all is stored. {after}."
    return f"It ends at about {say(at.now + timedelta(seconds=run.seconds_left))}. {after}."


def _read_aloud(run: Run) -> str:
    step = _current(run)
    if step is None:
        return "Your data is being copied right now."
    name = resource_words(step.resource).lower()
    left = f", about {span(run.seconds_left)} left" if run.seconds_left is not None else ""
    if step.total:
        return f"Your {name} are being copied: {step.done:,} of {step.total:,}{left}."
    return f"Your {name} are being copied{': ' + format(step.done, ',') + ' so far' if step.done else ''}{left}."
