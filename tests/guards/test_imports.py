"""Imports point one way, and each rule can fail."""

from __future__ import annotations

import pytest

from tests.guards.rules import RULES, Rule, Source, sources


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.where[0]}: {rule.reason}"[:90])
def test_the_project_keeps_each_rule(rule: Rule) -> None:
    assert rule.violations(sources()) == []


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("sync_core/states.py", "from sync_core.errors import Held", "imports sync_core.errors.Held"),
        ("sync_core/slo.py", "import sync_core.db", "imports sync_core.db"),
        ("sync_core/explain/words.py", "from sync_core import models", "imports sync_core.models"),
        ("sync_core/shopify/client.py", "from sync_core.models import Token", "imports sync_core.models.Token"),
        ("sync_core/shopify/client.py", "import sqlalchemy as sa", "imports sqlalchemy"),
        ("sync_core/sweep.py", "def f():\n    import streamlit", "imports streamlit"),
        ("sync_core/runner.py", "from starlette.routing import Route", "imports starlette.routing.Route"),
        ("sync_core/alerts/judge.py", "from sync_core.models import Alert", "imports sync_core.models.Alert"),
        ("sync_core/alerts/deliver.py", "import apprise", "imports apprise"),
        ("sync_core/process.py", "import schedule", "imports schedule"),
        ("sync_core/runner.py", "from sync_core.sandbox import server", "imports sync_core.sandbox.server"),
        ("dashboard/api/sync.py", "import streamlit as st", "imports streamlit"),
        ("sync_core/states.py", "from . import db", "imports sync_core.db"),
        ("dashboard/charts/bars.py", "import streamlit as st", "imports streamlit"),
        ("dashboard/views/shop.py", "from sqlalchemy import update", "imports sqlalchemy.update"),
        ("sync_core/health/fleet.py", "from sqlalchemy import delete", "imports sqlalchemy.delete"),
        ("sync_core/sweep.py", "update(ShopSync).values(status='FAILED')", "writes status"),
        ("sync_core/install.py", "Shop(id='1', sync_status='PENDING')", "writes sync_status"),
        ("dashboard/acts.py", "shop.sync_status = 'PENDING'", "writes sync_status"),
        ("sync_core/sweep.py", "now = datetime.now(UTC)", "calls datetime.now"),
        ("dashboard/queue.py", "", "is named like the importable module queue"),
        ("dashboard/plotly.py", "", "is named like the importable module plotly"),
        ("sync_core/shopify/utils.py", "", "is named utils"),
    ],
)
def test_a_file_that_breaks_a_rule_is_found(path: str, text: str, said: str) -> None:
    broken = [Source.of(path, text)]

    found = [line for rule in RULES for line in rule.violations(broken)]

    assert [line for line in found if f" {said} (" in line], found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("sync_core/errors.py", "from sync_core.states import Hold"),
        ("sync_core/shopify/client.py", "from sync_core.errors import Throttled"),
        ("sync_core/cli.py", "def demo():\n    from sync_core.sandbox import server\n    now = datetime.now(UTC)"),
        ("sync_core/lifecycle/runs.py", "update(ShopSync).values(status='FAILED')"),
        ("dashboard/access.py", "now = datetime.now(UTC)"),
        ("dashboard/api/queue.py", ""),
        ("sync_core/columns.py", "import time\nmoment = time.time_ns()"),
    ],
)
def test_a_file_that_keeps_the_rules_is_left_alone(path: str, text: str) -> None:
    assert [line for rule in RULES for line in rule.violations([Source.of(path, text)])] == []


def test_every_file_of_the_project_is_looked_at() -> None:
    paths = {source.path for source in sources()}

    assert {"sync_core/db.py", "sync_core/lifecycle/claims.py", "dashboard/api/__init__.py"} <= paths
