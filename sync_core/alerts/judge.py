"""Which alerts should be open: pure, from one snapshot of facts. One alert a cause.

Source of the rules and their numbers: the design page "Health".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

from sync_core.alerts import mends
from sync_core.alerts.mends import MENDS, Mend
from sync_core.alerts.snapshot import Alarm, Facts, Hit, Message, Severity
from sync_core.explain.words import SHOPIFYS_FAULT, SILENT, cause_words, clean, span
from sync_core.states import Status

NAMED = 10
"""Shops that a message names; the rest is counted."""

MANY = 3
"""So many shops with one cause within an hour wake somebody; late ones: more than this and than one in SHARE."""
SHARE = 20
WITHIN = timedelta(hours=1)
OVERDUE_AFTER = timedelta(minutes=10)
CLOCK_SECONDS = 5.0
SHOPIFY = "shopify"
RUNNING = f"/shops?status={Status.IN_PROGRESS.value}"

LOUD_ALONE = frozenset({"security", "orphaned"})
"""Causes of which one shop is enough: Shopify turns a whole app away, or a shop kills worker after worker."""


def judge(facts: Facts, still_open: frozenset[str] = frozenset()) -> tuple[Alarm, ...]:
    """The alerts that should be open now, the gravest first.

    `still_open`: keys of the open ones. A cause's alert stays until its last shop is well, so that it does not
    come and go with each shop around the number that opens it.
    """
    silent = _checks(facts)
    found = [*([silent] if silent else []), *_late(facts, silent), *_shopify(facts), *_clocks(facts)]
    found += _causes(facts, still_open)
    return tuple(sorted(found, key=lambda alarm: alarm.severity is not Severity.PAGE))


def still_hit(facts: Facts) -> dict[str, int]:
    """Key → shops with that cause, whether or not one joined them lately; at most one more than the cap."""
    return {_key(cause): len(hits) for cause, hits in facts.failing.items()} | {
        _key(cause): n for cause, n in facts.blocked_n.items()
    }


def _key(cause: str) -> str:
    return f"cause:{cause}"


def _checks(facts: Facts) -> Alarm | None:
    """No good check for two periods, by the reader's clock: a dead scheduler writes nothing."""
    since = facts.last_good_at or (facts.watched_since if facts.anybody else None)
    heard = max(since, facts.excused_until) if since and facts.excused_until else since
    if since is None or heard is None or facts.at - heard <= 2 * facts.period:
        return None
    mend = _why_silent(facts)
    hits = (*facts.waiting, *facts.leases) if _nobody(facts) else ()
    return Alarm(
        "checks",
        Severity.PAGE,
        _message(
            facts,
            "The safety check does not run",
            mend,
            hits,
            since=since,
            n=facts.waiting_n + len(facts.leases) if hits else 0,
            link="/sweeps" if mend is mends.CHECK_FAILS else "/system",
            detail=facts.check_error if mend is mends.CHECK_FAILS else None,
        ),
    )


def _why_silent(facts: Facts) -> Mend:
    if facts.check_error is not None:
        return mends.CHECK_FAILS
    if facts.scheduler_alive:
        return mends.ENDS_NONE
    return mends.SCHEDULER_SILENT if facts.scheduler_seen_at else mends.NEVER_STARTED


def _nobody(facts: Facts) -> bool:
    return not (facts.scheduler_alive or facts.workers_alive)


def _late(facts: Facts, silent: Alarm | None) -> Iterator[Alarm]:
    """Shops that nobody starts, goes on with or moves; what has the silence as its cause is named there."""
    told = silent is not None and _nobody(facts)
    if facts.waiting and not told:
        title, why, n = "Shops wait to be started", _why_late(facts), facts.waiting_n
        message = _message(facts, title, why, facts.waiting, n=n, link="/shops?cause=overdue")
        yield Alarm("overdue", _severity_of_late(facts, n), message)
    if facts.leases and not told:
        mend = mends.NO_WORKER if not facts.workers_alive else _who_is_busy(facts)
        message = _message(facts, "Workers died, and nobody went on with their shops", mend, facts.leases, link=RUNNING)
        old = sum(facts.at - hit.since > OVERDUE_AFTER for hit in facts.leases)
        yield Alarm("leases", _severity_of_late(facts, old), message)
    if facts.stuck:
        message = _message(facts, "Syncs stand still", mends.STANDS_STILL, facts.stuck, link=RUNNING)
        yield Alarm("stuck", Severity.TICKET, message)


def _severity_of_late(facts: Facts, n: int) -> Severity:
    """`n` shops are overdue for one reason. Few late shops are a ticket, many wake somebody.

    A thousand are many in a fleet of any size: nobody counts further.
    """
    many = n > facts.cap or n > max(MANY, facts.installed / SHARE)
    return Severity.PAGE if many else Severity.TICKET


def _why_late(facts: Facts) -> Mend:
    if not facts.workers_alive:
        return mends.NO_WORKER
    return mends.LEFT_OVER if facts.over_limit else _who_is_busy(facts)


def _who_is_busy(facts: Facts) -> Mend:
    return mends.NOT_TAKEN if facts.workers_free else mends.WORKERS_BUSY


def _shopify(facts: Facts) -> Iterator[Alarm]:
    """Shopify fails for most: one calm message in place of one a shop."""
    if facts.shopify is None:
        return
    hits = facts.failing.get(SILENT, ())
    message = _message(
        facts,
        "Shopify fails for most shops",
        mends.SHOPIFY_DOWN,
        hits,
        since=facts.shopify.since,
        n=facts.shopify.failing,
        link="/",
        detail=f"{facts.shopify.failing:,} of {facts.shopify.asked:,} that were asked",
        act=False,
    )
    yield Alarm(SHOPIFY, Severity.TICKET, message)


def _causes(facts: Facts, still_open: frozenset[str]) -> Iterator[Alarm]:
    """One alert for each cause with which shops fail or were blocked."""
    for cause, hits in facts.failing.items():
        if hits and not (facts.shopify and cause in SHOPIFYS_FAULT):
            loud = [hit for hit in hits if hit.attention] or (hits if cause in LOUD_ALONE else [])
            yield from _cause(facts, cause, hits, ticket=bool(loud), still_open=still_open)
    for cause, hits in facts.blocked.items():
        if hits:
            yield from _cause(facts, cause, hits, ticket=True, still_open=still_open)


def _cause(
    facts: Facts, cause: str, hits: tuple[Hit, ...], *, ticket: bool, still_open: frozenset[str]
) -> Iterator[Alarm]:
    recent = sum(facts.at - hit.changed_at <= WITHIN and _its_own(facts, cause, hit) for hit in hits)
    key = _key(cause)
    if not (ticket or recent >= MANY or (key in still_open and recent)):
        return
    # what Shopify said of a blocked shop is what the mend's cause says already
    words = None if cause in facts.blocked else next((hit.words for hit in hits if hit.words), None)
    message = _message(facts, cause_words(cause), MENDS[cause], hits, link=f"/shops?cause={quote(cause)}", detail=words)
    yield Alarm(key, Severity.PAGE if recent >= MANY else Severity.TICKET, message)


def _its_own(facts: Facts, cause: str, hit: Hit) -> bool:
    """Whether a silence tells of the shop, and not of Shopify: it was no more down, and answered others since."""
    if cause != SILENT:
        return True
    over = facts.shopify_over_at is None or hit.changed_at > facts.shopify_over_at
    return over and (facts.answered_at is None or hit.changed_at < facts.answered_at)


def _clocks(facts: Facts) -> Iterator[Alarm]:
    """Clocks apart: what is measured with them cannot be trusted."""
    off = [clock for clock in facts.clocks if abs(clock.offset) > CLOCK_SECONDS]
    if off:
        worst = max(off, key=lambda clock: abs(clock.offset))
        detail = f"{worst.host} is {span(abs(worst.offset))} {'ahead' if worst.offset > 0 else 'behind'}"
        message = _message(facts, "A clock is wrong", mends.CLOCK_OFF, (), link="/system", detail=detail)
        yield Alarm("clock", Severity.TICKET, message)
    elif facts.backwards:
        message = _message(facts, "Times run backwards", mends.BACKWARDS, facts.backwards, link="/system")
        yield Alarm("clock", Severity.TICKET, message)


def _message(
    facts: Facts,
    title: str,
    mend: Mend,
    hits: tuple[Hit, ...],
    *,
    since: datetime | None = None,
    n: int | None = None,
    link: str | None = None,
    detail: str | None = None,
    act: bool = True,
) -> Message:
    """`link`: where to look when it is not one shop."""
    ordered = sorted(hits, key=lambda hit: (hit.since, hit.domain))
    count = len(hits) if n is None else n
    return Message(
        title=title,
        act=act,
        since=since or (ordered[0].since if ordered else facts.at),
        shops=tuple(hit.domain for hit in ordered[:NAMED]),
        n=min(count, facts.cap),
        capped=count > facts.cap,
        cause=f"{mend.cause}: {clean(detail)}" if clean(detail) else mend.cause,
        action=mend.action,
        link=_link(ordered, link),
    )


def _link(hits: list[Hit], where: str | None) -> str:
    if len(hits) == 1 and (where or "/shop").startswith("/shop"):
        return f"/shop?domain={quote(hits[0].domain)}"
    return where or "/shops"
