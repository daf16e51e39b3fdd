"""Every promise of the lifecycle, after every step of any order of events, under the prompt profile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.properties.conftest import KINDS, LEAST, Explore
from tests.properties.telling import SEEN


@pytest.mark.timeout(400)
def test_no_order_of_events_breaks_a_promise_in_prompt(
    explore: Explore, record_property: Callable[[str, object], None]
) -> None:
    steps = explore("prompt")
    record_property("steps", steps)

    assert steps >= LEAST
    assert min(len(kinds) for (profile, _), kinds in SEEN.items() if profile == "prompt") >= KINDS
