"""The network between us and Shopify: each way of failing for so many shops at once, and a fetch that hangs."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.faults.ground import Lane
from tests.faults.proxy import KINDS, SPOILED, proxy
from tests.faults.report import Line, line

CROWD = {"WORKERS": "32", "STALL_SECONDS": "3"}


def bad_network(lane: Lane, *, shops: int) -> Iterator[Line]:
    """Every kind of the proxy's faults for `shops` shops, all at once."""
    with lane.ground(CROWD, latency_ms=5) as ground, proxy(urlsplit(ground.sandbox.url).port or 0) as between:
        for kind in KINDS:
            ground.install(shops, name=kind)
        here = {"SHOPIFY_BASE_URL": f"http://127.0.0.1:{between.port}/{{shop}}"}
        ground.scheduler(**here)
        ground.settle(seconds=240, **here)
        wanted = len(KINDS) * shops * SPOILED
        told = f"{len(KINDS)} kinds of network fault for {shops} shops each, twice"
        yield line(told, lane.engine, ground.audit(), times=between.spoiled.total(), wanted=wanted)


def hanging_fetch(lane: Lane, *, shops: int) -> Iterator[Line]:
    """Shopify takes 12 s for a page while the lease is renewed; the run is ended as stalled and tried again."""
    with lane.ground(STALL_SECONDS="2", WORKERS="16") as ground:
        for domain in ground.install(shops):
            ground.sandbox.control.fault(domain, "slow", times=1, seconds=12, operation="Customers")
        ground.scheduler()
        ground.settle()
        stalled = ground.log().count("run.stalled")
        yield line(
            "a fetch that hangs while its lease is renewed", lane.engine, ground.audit(), times=stalled, wanted=shops
        )
