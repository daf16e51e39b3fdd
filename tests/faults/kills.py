"""kill -9 at each named point and at random moments."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator

import httpx

from sync_core.crash import POINTS
from tests.faults.children import Child
from tests.faults.ground import Ground, Lane, eventually
from tests.faults.report import Line, line
from tests.journeys.processes import free_port

WAITING = 16
"""So many shops wait when a process starts that is to die."""
PATIENCE_SECONDS = 20
ONCE = ("in_fail", "in_release", "token_stored", "sweep_booked", "after_claim", "bulk_submitted")
"""Points that a process passes once, or seldom."""
ORIGIN = "http://127.0.0.1:8501"


def at_each_point(lane: Lane, *, times: int) -> Iterator[Line]:
    """Each crash point `times` times, in an order drawn by chance."""
    with lane.ground() as ground:
        plan = [point for point in POINTS for _ in range(times)]
        random.shuffle(plan)
        missed = [point for point in plan if not _die_at(ground, point)]
        ground.settle()
        died = len(plan) - len(missed)
        found = line(
            f"kill -9 at {len(POINTS)} crash points", lane.engine, ground.audit(), times=died, wanted=len(plan)
        )
        found.said += [f"{point} was not reached" for point in missed]
        yield found


def at_random(lane: Lane, *, times: int) -> Iterator[Line]:
    """Two processes share the work; every second or so one of them is killed, and started again."""
    with lane.ground() as ground:
        alive = [ground.worker(), ground.worker()]
        for _ in range(times):
            top_up(ground)
            time.sleep(random.uniform(0.2, 1.2))
            victim = alive.pop(random.randrange(2))
            victim.kill()
            alive.append(ground.worker())
        ground.settle()
        yield line("kill -9 at random", lane.engine, ground.audit(), times=times, wanted=times)


def top_up(ground: Ground) -> None:
    """New shops until enough wait; always one whose token is refreshed and one whose products fail once."""
    ground.install(1, old_token=True)
    for domain in ground.install(1):
        ground.sandbox.control.fault(domain, 400, times=1, operation="Products")
    missing = WAITING - ground.unfinished()
    if missing > 0:
        ground.install(missing)


def _die_at(ground: Ground, point: str) -> bool:
    top_up(ground)
    own = {"BULK_OBJECTS": "1"} if point == "bulk_submitted" else {}
    if own:
        _install_large(ground)
    if point == "callback_exchanged":
        return _die_in_callback(ground)
    at = 1 if point in ONCE else random.randint(1, 6)
    start = ground.scheduler if point == "sweep_booked" else ground.worker
    child = start(CRASH_AT=f"{point}:{at}", **own)
    if point == "in_release":
        eventually(lambda: _runs(ground, child), seconds=PATIENCE_SECONDS)
        child.send(signal.SIGTERM)
    died = child.gone(PATIENCE_SECONDS)
    ground.children.remove(child)
    if not died:
        child.kill()
    return died


def _install_large(ground: Ground) -> None:
    """A shop whose products do not fit into a page, so that they come by bulk operation."""
    for domain in ground.install(1, name="large"):
        ground.sandbox.control.put_shop(domain, products=300, customers=3, orders=2)


def _runs(ground: Ground, child: Child) -> bool:
    return any(f":{child.pid}" in owner for owner in ground.owners())


def _die_in_callback(ground: Ground) -> bool:
    """A merchant's click; the process dies with the token in its hands, and the merchant clicks again."""
    port, domain = free_port(), f"click-{next(ground.numbers)}.myshopify.com"
    own = {"APP_URL": ORIGIN}
    first = ground.api(port, CRASH_AT="callback_exchanged", **own)
    _click(ground, port, domain)
    died = first.gone(PATIENCE_SECONDS)
    ground.children.remove(first)
    second = ground.api(port, **own)
    landed = _click(ground, port, domain)
    second.end()
    ground.children.remove(second)
    return died and landed


def _click(ground: Ground, port: int, domain: str) -> bool:
    """From the install link to the page after the callback; False when nobody answered."""
    here = f"http://127.0.0.1:{port}"
    assert eventually(lambda: _answers(here), seconds=PATIENCE_SECONDS), ground.log()[-2000:]
    with httpx.Client(trust_env=False, timeout=10) as browser:
        consent = browser.get(f"{here}/auth", params={"shop": domain}).headers["location"]
        back = browser.post(consent).headers["location"]
        try:
            return browser.get(back.replace(ORIGIN, here)).status_code == 302
        except httpx.TransportError:
            return False


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2, trust_env=False).status_code < 500
    except httpx.TransportError:
        return False
