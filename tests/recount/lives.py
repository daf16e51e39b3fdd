"""A thousand random lives of shops as event rows: what happened, in plain values, and the rows that tell it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from sync_core.models import Install, Maintenance, ShopSync, Sweep, SyncAttempt, Transition
from sync_core.states import Hold, Trigger

DAYS = 6
TRIGGERS = [Trigger.ONBOARDING] * 6 + list(Trigger)
ENDS = ["failed"] * 6 + ["orphaned", "stolen", "released", "cancelled"]
ERRORS = ["unavailable", "throttled", "internal", None]


@dataclass
class Episode:
    """One install of a shop."""

    id: str
    shop: str
    generation: int
    installed: datetime
    claimed: datetime | None = None
    synced: datetime | None = None
    left: datetime | None = None
    path: str | None = None
    watched: bool = True
    holds: list[tuple[datetime, str | None]] = field(default_factory=list)
    tries: list[tuple[datetime, str, str | None]] = field(default_factory=list)
    """(ended, outcome, error class)"""

    @property
    def pickup_deadline(self) -> datetime:
        return self.installed + timedelta(minutes=13)

    @property
    def success_deadline(self) -> datetime:
        return self.installed + timedelta(hours=24)


@dataclass
class Life:
    """A shop: its installs, oldest first, and how it stands at the end."""

    shop: str
    episodes: list[Episode]
    hold: str | None = None
    failures: int = 0
    failing_since: datetime | None = None
    due: datetime | None = None
    priority: int = 0


@dataclass(frozen=True)
class Tick:
    begun: datetime
    period: float
    ended: datetime | None
    error: str | None


@dataclass
class World:
    """Lives and checks up to `now`."""

    now: datetime
    lives: list[Life]
    ticks: list[Tick]
    maintenance: list[tuple[datetime, datetime]]

    @property
    def episodes(self) -> list[Episode]:
        return [episode for life in self.lives for episode in life.episodes]


def world(seed: int, now: datetime, *, shops: int) -> World:
    """The same world for the same seed."""
    rng = random.Random(seed)
    lives = [_life(rng, now, f"shop-{nth}") for nth in range(shops)]
    ticks = _ticks(rng, now)
    return World(now, lives, ticks, [_announced(rng, now) for _ in range(3)])


def _announced(rng: random.Random, now: datetime) -> tuple[datetime, datetime]:
    """Maintenance, some of it with ends on the edge of a check."""
    since = now - _whole(rng, DAYS * 86_400)
    return since, since + timedelta(seconds=rng.choice([1, 300, 4_000, 50_000]))


def _life(rng: random.Random, now: datetime, shop: str) -> Life:
    life = Life(shop, [])
    at = now - _whole(rng, DAYS * 86_400)
    while at < now and len(life.episodes) < 3:
        episode = _episode(rng, now, shop, len(life.episodes) + 1, at)
        life.episodes.append(episode)
        if episode.left is None or rng.random() < 0.4:
            break
        at = episode.left + timedelta(seconds=rng.uniform(1, 90_000))
    _stand(rng, life, now)
    return life


def _whole(rng: random.Random, seconds: float) -> timedelta:
    """Some milliseconds; now and then a whole number of hours, to meet the edges."""
    if rng.random() < 0.1:
        return timedelta(hours=rng.randrange(1, int(seconds // 3600)))
    return timedelta(milliseconds=rng.randrange(1, int(seconds * 1000)))


def _episode(rng: random.Random, now: datetime, shop: str, generation: int, at: datetime) -> Episode:
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    episode = Episode(id_of(at, shop, generation), shop, generation, at, watched=rng.random() > 0.05)
    if rng.random() < 0.2:
        episode.left = _past(now, at + timedelta(seconds=rng.choice([30, 600, 40_000, 86_400, 200_000])))
    end = episode.left or now
    clock = at + timedelta(milliseconds=rng.choice([900, 11_000, 300_000, 779_999, 780_000, 780_001, 4_000_000]))
    if rng.random() < 0.95 and clock < end:
        episode.claimed, episode.path = clock, rng.choice(TRIGGERS).value
        _run(rng, episode, clock, end)
    if rng.random() < 0.02:
        episode.synced = at - timedelta(seconds=rng.randrange(1, 900))
    return episode


def _run(rng: random.Random, episode: Episode, clock: datetime, end: datetime) -> None:
    """Tries until one succeeds, a hold stops them, or the time is over."""
    for _ in range(rng.choice([0, 0, 0, 0, 1, 2, 5])):
        clock += timedelta(milliseconds=rng.choice([3_000, 60_000, 299_999, 20_000_000]))
        if clock >= end:
            return
        episode.tries.append((clock, rng.choice(ENDS), rng.choice(ERRORS)))
        if rng.random() < 0.3:
            episode.holds.append((clock, rng.choice(list(Hold)).value))
            if rng.random() < 0.5:
                return
            clock += timedelta(hours=1)
            episode.holds.append((clock, None))
    clock += timedelta(milliseconds=rng.choice([2_000, 61_500, 288_999, 700_000, 86_400_000 - 11_000, 90_000_000]))
    if clock < end and rng.random() < 0.95:
        episode.synced = clock
        episode.tries.append((clock, "completed", None))


def _past(now: datetime, moment: datetime) -> datetime | None:
    return moment if moment < now else None


def _stand(rng: random.Random, life: Life, now: datetime) -> None:
    """How the shop stands: what its last install left behind."""
    last = life.episodes[-1]
    life.hold = last.holds[-1][1] if last.holds else None
    if last.left is not None:
        life.hold = Hold.UNINSTALLED.value
    failed = [ended for ended, outcome, _ in last.tries if outcome in ("failed", "orphaned")]
    since = max((ended for ended, outcome, _ in last.tries if outcome == "completed"), default=last.installed)
    straight = [ended for ended in failed if ended > since]
    if straight and rng.random() < 0.8:
        life.failures, life.failing_since = len(straight), straight[0]
    if last.synced is None:
        due = rng.choice([-60, 10, 599, 601, 9_000, None])
        life.due = None if due is None else now - timedelta(seconds=due)
        life.priority = rng.choice([0, 1, 2])


def _ticks(rng: random.Random, now: datetime) -> list[Tick]:
    """A check each period, some missed, failed, too long or doubled; before a change it ran at another period."""
    ticks, changed = [], now - timedelta(days=rng.choice([0.3, 2.01, 9]))
    begun = now - timedelta(days=rng.uniform(3, DAYS))
    while begun < now:
        period = 420.0 if begun < changed else 300.0
        slot = begun.timestamp() // period * period
        begun += timedelta(seconds=slot + period - begun.timestamp() + rng.choice([0, 0.25, 0.25, 100]))
        for _ in range(rng.choices([1, 0, 2], [20, 1, 1])[0]):
            took = rng.choices([1, period, period + 1, None], [50, 1, 1, 1])[0]
            ended = None if took is None else _past(now, _ms(begun) + timedelta(seconds=took))
            if begun < now:
                ticks.append(Tick(_ms(begun), period, ended, "Broken" if rng.random() < 0.03 else None))
    return ticks


def _ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def id_of(at: datetime, shop: str, generation: int) -> str:
    """An id as a process would have made it at that moment."""
    made = f"{int(at.timestamp() * 1000):012x}"
    return f"{made[:8]}-{made[8:]}-7000-8000-{shop}-{generation}"


Span = tuple[datetime, datetime]


def write(session: Session, lives: list[Life], ticks: list[Tick], planned: list[Span], *, until: datetime) -> None:
    """The event rows as they were at a moment, in place of those that are there."""
    for table in (Install, ShopSync, SyncAttempt, Transition, Sweep, Maintenance):
        session.execute(delete(table))
    there = [life for life in lives if life.episodes[0].installed <= until]
    episodes = [each for life in there for each in life.episodes if each.installed <= until]
    numbers = count(1)
    rows: dict[Any, list[dict[str, Any]]] = {
        ShopSync: [_shop(life) for life in there],
        Install: [_install(each, until) for each in episodes],
        SyncAttempt: [_attempt(each, entry, next(numbers), until) for each in episodes for entry in each.tries],
        Transition: [_transition(each, *hold, next(numbers)) for each in episodes for hold in _holds(each)],
        Sweep: [_sweep(tick, until) for tick in ticks if tick.begun <= until],
        Maintenance: [
            {"id": str(nth), "since": since, "until": end, "by": "Ada", "reason": "upgrade", "at": since}
            for nth, (since, end) in enumerate(planned)
        ],
    }
    for table, made in rows.items():
        kept = [row for row in made if row]
        if kept:
            session.execute(insert(table), kept)


def _shop(life: Life) -> dict[str, Any]:
    status = "PENDING" if life.due and not life.failures and not life.hold else "FAILED" if life.due else "COMPLETED"
    begun = life.episodes[0].installed
    return {
        "shop_id": life.shop,
        "shop_domain": f"{life.shop}.myshopify.com",
        "status": status,
        "since": begun,
        "installed_at": begun,
        "authorised_at": begun,
        "generation": len(life.episodes),
        "hold": life.hold,
        "failures": life.failures,
        "failing_since": life.failing_since,
        "due_at": life.due,
        "wake_at": life.due,
        "priority": life.priority,
    }


def _install(episode: Episode, until: datetime) -> dict[str, Any]:
    def known(moment: datetime | None) -> datetime | None:
        return moment if moment is not None and moment <= until else None

    return {
        "id": episode.id,
        "shop_id": episode.shop,
        "generation": episode.generation,
        "installed_at": episode.installed,
        "pickup_deadline": episode.pickup_deadline,
        "success_deadline": episode.success_deadline,
        "first_claimed_at": known(episode.claimed),
        "first_synced_at": known(episode.synced),
        "withdrawn_at": known(episode.left),
        "path": episode.path if known(episode.claimed) else None,
        "watched": episode.watched,
    }


def _attempt(
    episode: Episode, entry: tuple[datetime, str, str | None], number: int, until: datetime
) -> dict[str, Any] | None:
    ended, outcome, error = entry
    if ended > until:
        return None
    return {
        "id": f"attempt-{number}",
        "shop_id": episode.shop,
        "generation": episode.generation,
        "fence": number,
        "trigger": "retry",
        "requested_at": ended,
        "claimed_at": ended,
        "ended_at": ended,
        "outcome": outcome,
        "error_class": error if outcome == "failed" else None,
    }


def _holds(episode: Episode) -> list[tuple[datetime, str | None]]:
    """An install clears what was before it."""
    return [(episode.installed, None), *episode.holds]


def _transition(episode: Episode, at: datetime, hold: str | None, number: int) -> dict[str, Any]:
    own = {"from_status": "IN_PROGRESS", "to_status": "FAILED", "to_hold": hold, "event": "failed"}
    return {"id": f"{number:06}", "shop_id": episode.shop, "generation": episode.generation, "at": at, **own}


def _sweep(tick: Tick, until: datetime) -> dict[str, Any]:
    ended = tick.ended if tick.ended and tick.ended <= until else None
    own = {"period_seconds": tick.period, "profile": "prompt", "by": "scheduler", "error": tick.error}
    return {"begun_at": tick.begun, "ended_at": ended, "id": f"{tick.begun.timestamp():.3f}-{id(tick)}", **own}
