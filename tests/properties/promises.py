"""What must hold after every step, in the words of the lifecycle's page.

Each promise takes what it needs and returns the sentence that is broken, or None. `check` asks all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations

from sync_core.config import Settings
from sync_core.errors import Held, NotFound, Throttled, Unavailable
from sync_core.lifecycle import Answer, Claim, Failed
from sync_core.states import CLEARED_BY_AUTHORISING, PROBED_HOLDS, Hold, Priority, Status
from sync_core.sweep import SweepReport
from tests.properties.ghosts import PAGES, Broken, Grant, Merchant, Run
from tests.properties.looks import Look, Move

LASTING = (Hold.REAUTHORISE, Hold.UNINSTALLED, Hold.STOPPED)
BATCH = 10
Found = Iterator[str]


@dataclass
class Step:
    """One step of the world and what came of it."""

    name: str
    concerned: frozenset[str]
    tags: frozenset[str]
    now: datetime
    dies_at: int | None = None
    died: bool = False
    stale: bool = False
    moves: dict[str, list[Move]] = field(default_factory=dict)
    answer: Answer | None = None
    claims: list[Claim] = field(default_factory=list)
    all_claimed: bool = False
    report: SweepReport | None = None
    failed: Failed | None = None
    error: Exception | None = None
    token_version: int | None = None
    gone: bool | None = None
    """Whether the shop is uninstalled once the app's row was taken over."""
    authorised: datetime | None = None
    stored: Grant | None = None
    triggered_at: datetime | None = None


def check(step: Step, merchant: Merchant, before: Look, after: Look, settings: Settings) -> None:
    """Errors: Broken, naming the promise, the step and the shop as it was and is."""
    broken = [*_of_state(merchant, after, step.now, settings), *_of_step(step, merchant, before, after)]
    if broken:
        raise Broken(f"{broken[0]}\n  step:   {step.name} at {step.now}\n  before: {before}\n  after:  {after}")


def astray(merchant: Merchant, look: Look, now: datetime) -> str | None:
    """Why a shop has not ended well, or None."""
    if look.id is None or (look.gone and not merchant.app_changes(look)):
        return None
    if not look.known or merchant.app_changes(look):
        return f"{merchant.domain}: what the app wrote is not taken over: {look}"
    if look.status == Status.COMPLETED or look.hold == Hold.STOPPED:
        return None
    waits = look.hold in PROBED_HOLDS and look.due_at is not None
    if look.status == Status.FAILED and (waits or (look.hold == Hold.REAUTHORISE and look.token not in merchant.valid)):
        return None
    return f"{merchant.domain}: {look}"


def kind_of_staleness(run: Run, look: Look) -> str:
    if look.gone:
        return "PRIVACY"
    return "STALE-GEN" if run.claim.generation != look.generation else "STALE"


def _of_state(merchant: Merchant, look: Look, now: datetime, settings: Settings) -> Found:
    if not look.known:
        return
    pending = merchant.app_changes(look)
    yield from _attempt(look, now)
    yield from _holds(merchant, look)
    yield from _moments(merchant, look, now, settings)
    if look.app_status != look.status and "pending" not in pending and look.app_status != Status.PENDING:
        yield "MIRROR: the app's row shows another status"
    if not pending and look.gone != (look.uninstalled_at is not None):
        yield "UNINSTALLED: hold and uninstalledAt differ"
    if look.gone and (look.token is not None or (look.app_token and merchant.app_token is None)):
        yield "UNINSTALLED: a token is kept"
    if merchant.staff and look.request is None:
        yield "DROPPED: an accepted staff request is gone"
    if merchant.staff and look.priority != Priority.FIRST:
        yield "PRIORITY: a person's request waits behind refreshes"
    if look.status == Status.COMPLETED and not look.gone and not _all_there(merchant, look):
        yield "FALSE-COMPLETED: the data of this generation is not all there"


def _attempt(look: Look, now: datetime) -> Found:
    if look.attempt is not None and look.attempt.claimed and not look.running:
        yield "DANGLING: a claimed attempt is open, the shop is not IN_PROGRESS"
    if look.running and look.request is not None:
        yield "DANGLING: an unclaimed request on a running shop"
    if look.running and look.attempt is None and look.fence > 0:
        yield "DANGLING: a run without an open attempt"
    if look.request is not None and (look.wake_at is None or look.wake_at > now):
        yield "ASLEEP: an open request that no worker looks at"


def _holds(merchant: Merchant, look: Look) -> Found:
    if look.hold in LASTING:
        if look.due_at or look.wake_at:
            yield f"HELD: hold {look.hold} has a due_at or wake_at"
        if look.attempt is not None:
            yield f"HELD: hold {look.hold} with an open attempt"
        if look.status not in ("FAILED", "COMPLETED") or (look.status, look.hold) == ("COMPLETED", "reauthorise"):
            yield f"HELD: hold {look.hold} with status {look.status}"
    if look.hold in PROBED_HOLDS and look.status not in ("FAILED", "IN_PROGRESS"):
        yield f"HELD: hold {look.hold} with status {look.status}"
    if look.hold == Hold.REAUTHORISE and look.token in merchant.valid:
        yield "FALSE-HOLD: reauthorise although the stored token is good"


def _moments(merchant: Merchant, look: Look, now: datetime, settings: Settings) -> Found:
    free = look.hold is None or look.hold in PROBED_HOLDS
    if look.status != Status.COMPLETED and free and look.due_at is None:
        yield "STUCK: no due_at"
    if look.due_at is None and look.wake_at is not None:
        yield "PAIR: awake but never due"
    awake = look.wake_at is not None and look.wake_at <= now
    late = look.due_at is not None and look.due_at <= now
    if look.running and awake and not late:
        yield "STEALABLE: a live lease is awake"
    if look.running and look.attempt is not None and look.due_at != merchant.lease_until:
        yield "STEALABLE: due_at is not the lease's end"
    courtesy = look.status == Status.PENDING and look.request is None
    if settings.prompt and look.due_at is not None and not (look.wake_at == look.due_at or awake or courtesy):
        yield "PAIR: due_at was written without wake_at"
    if settings.prompt and look.due_at is not None and look.wake_at is None:
        yield "PAIR: due, but never awake"
    if not settings.prompt and look.wake_at is not None and not (awake and (look.request or (look.running and late))):
        yield "PAIR: classic, and awake without a request"


def _all_there(merchant: Merchant, look: Look) -> bool:
    if look.generation == merchant.finished_by_app:
        return look.first_synced_at is not None
    pages = {page.rpartition("/")[2]: row.generation for page, row in look.rows}
    return look.first_synced_at is not None and pages == dict.fromkeys(PAGES, look.generation)


def _of_step(step: Step, merchant: Merchant, before: Look, after: Look) -> Found:
    quiet = merchant.domain not in step.concerned or step.stale or (step.died and "sweeps" not in step.tags)
    if quiet and before != after:
        yield f"NEIGHBOUR: {step.name} changed a shop that it must not change"
    if not after.known or step.died:
        return
    yield from _chain(step, before, after)
    yield from _regress(step, before, after)
    yield from _cleared(step, before, after)
    yield from _claimed(step, merchant, before, after)
    if merchant.domain in step.concerned:
        for promise in (_asked, _swept, _failed, _released, _authorised, _uninstalled):
            yield from promise(step, before, after)


def _chain(step: Step, before: Look, after: Look) -> Found:
    """The transitions of this step lead from what was to what is."""
    moves = step.moves.get(after.id or "", [])
    start, end = (before.status, before.hold), (after.status, after.hold)
    if start != end and not moves:
        yield "CHAIN: status or hold changed without a transition"
    if moves and not any(_leads(order, start, end) for order in permutations(moves)):
        yield f"CHAIN: the transitions do not lead from {start} to {end}: {moves}"


def _leads(moves: tuple[Move, ...], start: tuple[str | None, str | None], end: tuple[str | None, str | None]) -> bool:
    at = start
    for move in moves:
        if move.before != at:
            return False
        at = move.after
    return at == end


def _regress(step: Step, before: Look, after: Look) -> Found:
    same = before.known and before.generation == after.generation
    if same and before.first_synced_at is not None and after.first_synced_at != before.first_synced_at:
        yield "REGRESS: first_synced_at changed within a generation"
    if before.generation > after.generation or before.fence > after.fence:
        yield "FENCE: generation or fence went back"
    ended = before.running and not after.running and not step.tags & {"completes", "fails"}
    parted = after.hold in (Hold.STOPPED, Hold.UNINSTALLED) and before.hold != after.hold and before.known
    if (ended or parted or 0 < before.generation < after.generation) and after.fence <= before.fence:
        yield "FENCE: release, take-over, stop, uninstall or re-install left the fence"
    if before.known and before.generation != after.generation and after.cursor != "{}":
        yield "STALE-GEN: a new generation begins with an old cursor"
    lasts = before.running and after.running and before.fence == after.fence
    if lasts and before.due_at and after.due_at and after.due_at < before.due_at:
        yield "STEALABLE: a live lease was cut short"
    old = dict(before.rows)
    if any(row.generation < old[page].generation for page, row in after.rows if page in old):
        yield "REGRESS: data of this generation was overwritten by an older one"


def _cleared(step: Step, before: Look, after: Look) -> Found:
    """A hold goes only by what its reason allows."""
    if before.hold is None or before.hold == after.hold:
        return
    renewed = after.generation > before.generation
    if before.gone and not renewed:
        yield "UNINSTALLED: cleared without OAuth or re-install"
    if before.hold == Hold.STOPPED and not (renewed or after.gone or "staff" in step.tags):
        yield "STOPPED: somebody else than staff cleared it"
    if before.hold in PROBED_HOLDS and after.hold is None:
        mended = "adopts" in step.tags and before.hold in CLEARED_BY_AUTHORISING
        if not (renewed or mended or step.tags & {"staff", "completes"}):
            yield "PROBE: the hold was cleared without success"


def _claimed(step: Step, merchant: Merchant, before: Look, after: Look) -> Found:
    claim = next((claim for claim in step.claims if claim.shop_domain == merchant.domain), None)
    awake = before.wake_at is not None and before.wake_at <= step.now
    if claim is None:
        if step.all_claimed and awake:
            yield "LOST: a shop that is awake was not claimed"
        return
    if before.running and before.attempt is not None and before.due_at is not None and before.due_at > step.now:
        yield "STOLEN: a live lease is claimed by somebody else"
    if before.gone:
        yield "UNINSTALLED: an uninstalled shop is claimed"
    if claim.fence != after.fence or after.fence <= before.fence:
        yield "FENCE: a claim without a fence of its own"
    if not awake:
        yield "ASLEEP: a shop that sleeps is claimed"
    if after.hold != before.hold:
        yield "PROBE: a claim changed the hold"
    if before.attempt is not None and after.attempt is not None and before.attempt.words != after.attempt.words:
        yield "INHERIT: a run goes on under another trigger, actor, reason or mode"
    if before.request is not None and after.attempt is not None and after.attempt.id != before.request.id:
        yield "DROPPED: an open request was not the one that is run"


def _asked(step: Step, before: Look, after: Look) -> Found:
    if step.answer is None:
        return
    expired = before.running and before.due_at is not None and before.due_at <= step.now
    if before.gone and step.answer is not Answer.REFUSED:
        yield "UNINSTALLED: a request for an uninstalled shop was accepted"
    if "others" in step.tags and before.hold is not None and before.hold != after.hold:
        yield "HELD: a webhook or the onboarding page cleared a hold"
    if step.answer is Answer.RUNNING and expired and (after.wake_at is None or after.wake_at > step.now):
        yield "LOST: a request on an expired lease does not wake the shop"
    nothing = step.answer in (Answer.REFUSED, Answer.SKIPPED) or (step.answer is Answer.RUNNING and not expired)
    if nothing and before != after:
        yield f"NEIGHBOUR: a request that was {step.answer} changed the shop"
    if step.answer in (Answer.OPENED, Answer.JOINED) and (after.status != Status.PENDING or after.request is None):
        yield "DROPPED: an accepted request is not open"


def _swept(step: Step, before: Look, after: Look) -> Found:
    report = step.report
    if report is None:
        return
    domains = [domain for domain, _ in report.shops]
    if len(domains) != len(set(domains)):
        yield "SPIN: a shop was taken twice in one tick"
    same = before.known and before.generation == after.generation
    due = same and before.due_at is not None and before.due_at <= step.now
    if due and len(domains) < BATCH and (after.wake_at is None or after.wake_at > step.now) and not after.gone:
        yield "LOST: a shop that was due is not awake after the tick"
    joined = same and before.request is not None and after.request == before.request
    if joined and before.due_at is not None and (after.due_at is None or after.due_at > before.due_at):
        yield "OVERDUE: each sweep makes a waiting request look new"
    if before.hold in PROBED_HOLDS and after.hold == before.hold and after.status != before.status:
        yield "PROBE: the sweep's request for a held shop changed its status"


def _failed(step: Step, before: Look, after: Look) -> Found:
    if step.error is None or step.failed is None or step.stale:
        return
    fresh = step.token_version == before.token_version
    if after.hold != before.hold and not fresh:
        yield "FALSE-HOLD: a hold was set for a token that is not the stored one"
    if isinstance(step.error, Held) and fresh and after.hold != step.error.hold:
        yield "HELD: the hold was not set"
    if not isinstance(step.error, Held | NotFound) and after.hold != before.hold:
        yield "HELD: a failure that retries set a hold"
    plain = isinstance(step.error, Unavailable) and not isinstance(step.error, Throttled)
    if plain and (after.due_at is None or after.due_at > step.now + timedelta(minutes=5)):
        yield "STUCK: the next try is later than five minutes"


def _released(step: Step, before: Look, after: Look) -> Found:
    if "releases" not in step.tags or step.stale or before.attempt is None:
        return
    if after.request is None or after.request.words != before.attempt.words:
        yield "INHERIT: a released run was not requested again in its words"
    if after.hold != before.hold or after.status != (Status.FAILED if before.hold else Status.PENDING):
        yield "PROBE: a released run lost its hold"
    if after.failures != before.failures:
        yield "REGRESS: a release counted as a failure"


def _authorised(step: Step, before: Look, after: Look) -> Found:
    if step.stored is None:
        return
    if after.token != step.stored.token:
        yield "LOST: the callback's token is not stored"
    if after.gone or after.hold in CLEARED_BY_AUTHORISING:
        yield "HELD: the callback did not clear what a new token mends"
    if step.gone and (after.status != Status.PENDING or after.generation <= before.generation):
        yield "REGRESS: a re-install is not a new, pending generation"
    freed = before.known and before.hold in CLEARED_BY_AUTHORISING and after.status == Status.FAILED
    if freed and after.hold is None and (after.due_at is None or after.due_at > step.now):
        yield "STUCK: a freed shop is not due"


def _uninstalled(step: Step, before: Look, after: Look) -> Found:
    if step.triggered_at is None:
        return
    expected = bool(step.gone) or step.authorised is None or step.triggered_at > step.authorised
    if expected and not after.gone:
        yield "MISSED: the present install's uninstall was ignored"
    if after.gone and not expected:
        yield "LATE: an uninstall webhook undid a later authorisation"
