"""Fixtures by noun for the lifecycle's tests."""

from __future__ import annotations

import pytest

from sync_core.config import Settings
from sync_core.db import Database
from tests.conftest import MakeSettings
from tests.fleet import Fleet


@pytest.fixture
def fleet(database: Database, settings: Settings) -> Fleet:
    return Fleet(database, settings)


@pytest.fixture
def classic(database: Database, database_url: str, make_settings: MakeSettings) -> Fleet:
    """The same database under the classic profile: only requests wake a shop."""
    settings = make_settings(database_url=database_url, sweep_profile="classic", sweep_batch=4)
    return Fleet(database, settings)
