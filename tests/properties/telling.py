"""What the Shop page says of each situation that real events lead to: whole sentences, one actor, one thing to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sync_core import health
from sync_core.config import Settings
from sync_core.db import Database
from sync_core.explain import CHIPS, Action, Situation, explain
from tests.properties.ghosts import Broken
from tests.properties.looks import Look
from tests.test_explain import CODE_WORDS, SENTENCE, sentences

Kind = tuple[object, ...]
SEEN: dict[tuple[str, bool], set[Kind]] = {}
"""(profile, PostgreSQL) → the kinds of situations that were explained in this run."""


def told(database: Database, settings: Settings, look: Look, now: datetime) -> None:
    """Explain this shop if none like it was explained before. Errors: Broken, with what was said."""
    kind, seen = _kind(look, now), SEEN.setdefault((settings.sweep_profile, database.is_postgres), set())
    if look.id is None or not look.known or kind in seen:
        return
    with database.read() as session:
        view = health.shop(session, domain=look.id, now=now, settings=settings)
    if view is None:
        raise Broken(f"UNTOLD: a shop that we know has no page: {look}")
    for at in _worlds(view.situation):
        _check(at)
    seen.add(kind)


def _kind(look: Look, now: datetime) -> Kind:
    """What makes two situations of one shop alike."""
    moments = tuple(None if at is None else at <= now for at in (look.due_at, look.wake_at))
    attempt = None if look.attempt is None else look.attempt.claimed
    history = (look.generation > 1, look.first_synced_at is None, min(look.failures, 2), look.failures > 11)
    return (look.status, look.hold, attempt, *moments, *history)


def _worlds(at: Situation) -> Iterator[Situation]:
    """The same shop with living and dead schedulers and workers."""
    for workers in (True, False):
        for scheduler in (True, False):
            yield replace(at, workers_alive=workers, scheduler_alive=scheduler)


def _check(at: Situation) -> None:
    said = explain(at, say=lambda moment: f"{moment:%H:%M}")
    bad = [each for each in sentences(said) if CODE_WORDS.search(each) or not SENTENCE.fullmatch(each)]
    if bad or said.chip not in CHIPS.values() or not isinstance(said.action, Action):
        raise Broken(f"UNTOLD: {bad or said} of {at}")
    if (said.off_because is None) != (said.action in (Action.SYNC, Action.TAKE_OVER)):
        raise Broken(f"UNTOLD: {said.action} without a reason why Sync now is off: {at}")
