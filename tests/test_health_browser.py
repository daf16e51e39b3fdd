"""A dead browser path is seen though every install gets its data on another."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from sync_core import health
from sync_core.health import BrowserPath
from tests.conftest import Ago
from tests.health_rows import Rows


@pytest.mark.parametrize(("installs", "dead"), [(0, False), (5, False), (6, True), (7, True)])
def test_none_of_some_is_told_once_chance_cannot_explain_it(installs: int, dead: bool) -> None:
    assert BrowserPath(0, installs, 20, 20).dead is dead


@pytest.mark.parametrize(("k", "dead"), [(28, True), (29, True), (30, False), (50, False)])
def test_a_share_that_fell_a_little_is_not_told(k: int, dead: bool) -> None:
    assert BrowserPath(k, 100, 800, 1_000).dead is dead


def test_without_a_past_nothing_is_usual() -> None:
    assert not BrowserPath(0, 100, 0, 0).dead


@pytest.fixture
def rows(session: Session, now: datetime) -> Rows:
    return Rows(session, now)


def test_the_last_day_is_held_against_the_thirty_before(rows: Rows, ago: Ago, session: Session) -> None:
    for nth in range(20):
        rows.installed(ago(days=3, hours=nth), claimed=5, synced=90, path="onboarding")
    for nth in range(8):
        rows.installed(ago(hours=2, minutes=nth), claimed=50, synced=120, path="sweep" if nth % 2 else "wake")
    rows.installed(ago(hours=1), path=None)
    rows.installed(ago(days=40), claimed=5, synced=90, path="sweep")

    found = health.browser_path(session, now=rows.now)

    assert found == BrowserPath(0, 8, 20, 20)
    assert found.dead
