"""What a person sees while a sync runs: never backwards, never done too early, and truly how long it takes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import httpx

from dashboard.api.progress import standing_of
from sync_core import health
from sync_core.sandbox.running import Running
from sync_core.states import Outcome
from tests.runs.conftest import DOMAIN, Bench

A_PAGE_SECONDS = 1.1
"""Of a slow store: the plan expects 0.7."""


@dataclass
class Watcher:
    """Looks at the shop whenever Shopify has answered; each answer takes its time on the test's clock."""

    bench: Bench
    seen: list[tuple[float, int | None, float | None]] = field(default_factory=list)
    """(seconds since the start, per cent, seconds left)"""

    def __call__(self, response: httpx.Response) -> None:
        response.read()
        self.bench.clock.advance(seconds=A_PAGE_SECONDS)
        self.look()

    def look(self) -> None:
        bench = self.bench
        now = bench.clock()
        with bench.tools.database.read() as session:
            shop = health.shop(session, domain=DOMAIN, now=now, settings=bench.tools.settings)
            percent = standing_of(session, bench.state(), now=now)["progress"]["percent"]
        assert shop is not None
        run = shop.situation.run
        begun = shop.attempts[0].claimed_at
        if begun is not None:
            self.seen.append(((now - begun).total_seconds(), percent, run.seconds_left if run else None))

    def at_half_time(self) -> tuple[float, float]:
        """(seconds that were left, seconds that it said)"""
        whole = self.seen[-1][0]
        at, _, said = next(one for one in self.seen if one[0] >= whole / 2)
        assert said is not None
        return whole - at, said


def test_what_is_shown_only_grows_and_tells_how_long_it_takes(bench: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=4_000, variants=3, customers=2_500, orders=1_500, keep=True)
    watcher = Watcher(bench)

    with httpx.Client(timeout=30, event_hooks={"response": [watcher]}) as http:
        settings = bench.tools.settings.model_copy(update={"bulk_objects": 0})
        outcome = bench.run(tools=replace(bench.tools, http=http, settings=settings))
    watcher.look()

    shown = [percent for _, percent, _ in watcher.seen if percent is not None]
    left, said = watcher.at_half_time()
    assert outcome is Outcome.COMPLETED
    assert shown == sorted(shown)
    assert (max(shown[:-1]), shown[-1]) == (99, 100) or max(shown[:-1]) < 99
    assert abs(said - left) <= 0.3 * left
