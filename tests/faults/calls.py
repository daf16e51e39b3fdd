"""Every n-th call of a run fails once, for all n: of the database, and of Shopify."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.faults.bad_calls import MARK
from tests.faults.ground import Ground, Lane
from tests.faults.report import Line, line

STATEMENTS = 50
"""More than a run of a small shop has: the last numbers meet no call."""
COMMITS = 10
REQUESTS = 6
BUSY = {"WORKERS": "16"}

HTTP_KINDS = ("500", "503", "429", "400", "401", "404", "reset", "lost", "half", "badjson", "internal", "throttled")


def database(lane: Lane, *, loops: int) -> Iterator[Line]:
    """Each kind of failing call, at each of a run's calls: one shop for each."""
    for kind, most in (("statement", STATEMENTS), ("silence", STATEMENTS), ("commit", COMMITS), ("answer", COMMITS)):
        with lane.ground(BUSY) as ground:
            ground.install(most)
            _live(ground, FAIL_CALLS=kind)
            ground.settle()
            met = ground.log().count(MARK)
            found = line(f"every n-th database call: {WORDS[kind]}", lane.engine, ground.audit(), times=met, wanted=1)
            if met == most:
                found.said.append("a run has more calls than were tried")
            yield found
    yield from _loops(lane, loops)


def http(lane: Lane) -> Iterator[Line]:
    """Each kind of failing answer, at each of a run's requests: one shop for each."""
    with lane.ground(BUSY) as ground:
        wanted = 0
        for kind in HTTP_KINDS:
            for after, domain in enumerate(ground.install(REQUESTS - 1)):
                ground.sandbox.control.fault(domain, kind, times=1, after=after)
                wanted += 1
        settled = _live(ground)
        fired = sum(bool(line["fault"]) for line in ground.sandbox.control.log())
        ground.settle(seconds=0 if settled else 60)
        yield line("every n-th call of Shopify, 12 kinds", lane.engine, ground.audit(), times=fired, wanted=wanted)


WORDS = {
    "statement": "the statement fails",
    "silence": "all fail from there on",
    "commit": "the commit fails",
    "answer": "the commit's answer is lost",
}


def _loops(lane: Lane, most: int) -> Iterator[Line]:
    """The threads that claim, renew, sweep and beat: every n-th of their statements, n up to `most`."""
    with lane.ground() as ground:
        for every in range(2, most + 2):
            ground.install(8)
            child = ground.scheduler(FAIL_CALLS=f"loops:{every}")
            time.sleep(1.5)
            child.end()
        ground.settle()
        yield line("every n-th database call of the loops", lane.engine, ground.audit(), times=most, wanted=most)


def _live(ground: Ground, **environment: str) -> bool:
    """One process works on until all is done, or nothing has moved for a while."""
    child = ground.scheduler(**environment)
    until = time.monotonic() + 30
    while ground.unfinished() and time.monotonic() < until and not child.gone():
        time.sleep(0.2)
    child.end()
    return not ground.unfinished()
