"""The next page is on its way while one is stored."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
from sqlalchemy import event

from sync_core.app_models import Product
from sync_core.sandbox.running import Running
from sync_core.states import Outcome
from tests.runs.conftest import DOMAIN, Bench

ENOUGH_SECONDS = 10


@contextmanager
def storing(bench: Bench, act: Any) -> Iterator[None]:
    """`act` is called before products are written."""

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if 'FROM "Product"' in statement or '."Product"' in statement:
            act()

    event.listen(bench.tools.database.engine, "before_cursor_execute", hear)
    yield
    event.remove(bench.tools.database.engine, "before_cursor_execute", hear)


def test_the_next_page_is_asked_for_while_one_is_stored(bench: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=600, variants=1, customers=0, orders=0, keep=True)
    asked, second, seen = [], threading.Event(), []

    def hear(request: httpx.Request) -> None:
        if b"query Products" in request.content:
            asked.append(request)
            if len(asked) == 2:
                second.set()

    def wait_for_the_second() -> None:
        seen.append((second.wait(ENOUGH_SECONDS), len(asked) <= len(seen) + 2))

    with (
        httpx.Client(timeout=30, event_hooks={"request": [hear]}) as http,
        storing(bench, wait_for_the_second),
    ):
        outcome = bench.run(tools=replace(bench.tools, http=http))

    assert outcome is Outcome.COMPLETED
    assert bench.count(Product) == 600
    assert set(seen) == {(True, True)}


def test_an_error_of_the_page_ahead_leaves_the_stored_one_stored(bench: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=600, variants=1, customers=0, orders=0, keep=True)
    sandbox.control.fault(DOMAIN, "400", operation="^Products", after=1)

    outcome = bench.run()

    assert outcome is Outcome.FAILED
    assert bench.count(Product) == 250
    assert bench.attempt().error_message == "Shopify answered 400 on products, page 2"


def test_a_hold_found_by_the_page_ahead_is_booked(bench: Bench, sandbox: Running) -> None:
    sandbox.control.put_shop(DOMAIN, products=600, variants=1, customers=0, orders=0, keep=True)
    sandbox.control.fault(DOMAIN, "402", operation="^Products", after=1)

    bench.run()

    assert (bench.state().hold, bench.count(Product)) == ("frozen", 250)
