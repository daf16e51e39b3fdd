"""Crash points: the list and the code agree, each springs where it was set, and unset they do nothing."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
from itertools import chain

import pytest

from sync_core.crash import POINTS
from tests.guards.rules import sources

PASS_THREE_TIMES = (
    "from sync_core import crash\nfor _ in range(3): crash.point('after_page'); print('passed', flush=True)"
)


def passed(**environment: str) -> tuple[int, int]:
    """(how the process ended, how often it came past the point)"""
    done = subprocess.run(
        [sys.executable, "-c", PASS_THREE_TIMES], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.count("passed")


def points_in_the_code() -> set[str]:
    calls = chain.from_iterable(ast.walk(source.tree) for source in sources())
    return {
        ast.literal_eval(call.args[0])
        for call in calls
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "crash.point"
    }


def test_the_points_of_the_list_are_those_of_the_code() -> None:
    found = points_in_the_code()

    assert found == set(POINTS)


def test_an_unarmed_process_passes_every_point() -> None:
    ended = passed()

    assert ended == (0, 3)


def test_a_process_kills_itself_at_the_passing_that_was_named() -> None:
    ended = passed(CRASH_AT="after_page:2")

    assert ended == (-signal.SIGKILL, 1)


def test_a_point_without_a_number_means_the_first_passing() -> None:
    ended = passed(CRASH_AT="after_page")

    assert ended == (-signal.SIGKILL, 0)


@pytest.mark.parametrize("value", ["nowhere", "after_page:soon"])
def test_an_unknown_point_stops_the_start(value: str) -> None:
    ended, times = passed(CRASH_AT=value)

    assert (ended, times) == (1, 0)
