"""The storm in its small form."""

from __future__ import annotations

import pytest

from tests.faults.cluster_storm import storm
from tests.faults.report import complaints

SHOPS = 150
EVERY_SECONDS = 2.0


@pytest.mark.journey
@pytest.mark.timeout(300)
def test_workers_killed_every_few_seconds_lose_and_double_nothing() -> None:
    found, _ = storm(SHOPS, every=EVERY_SECONDS, latency_ms=100)

    assert found.good, complaints([found])
    assert (found.shops, found.times >= 3) == (SHOPS, True)
