"""`python -m tests.faults.run [--long] [--only WORD]`: every kind of fault on both databases and on a cluster; a table.

Ends with 1 when anything was lost, doubled or stale, or a fault did not happen as often as it should.
The three lanes go side by side, each in a process of its own. Each line is told as it comes.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults import calls, clocks, kills, network, outages, zombies
from tests.faults.ground import CLUSTER, Lane, lane
from tests.faults.report import Line, complaints, table

LANES = ("sqlite", "postgresql", CLUSTER)
ON_CLUSTER = ("points", "random", "zombies", "restarts")
"""What depends on who dispatches; the rest is the same code on the same database."""
ROOT = Path(__file__).resolve().parents[2]

Scenario = Callable[[Lane], Iterator[Line]]


@dataclass(frozen=True)
class Form:
    """How much of each."""

    per_point: int
    random_kills: int
    zombies: int
    restarts: int
    restart_shops: int
    away_seconds: float
    network_shops: int
    hanging: int
    loops: int
    clock_rounds: int


SHORT = Form(1, 4, 2, 1, 60, 3, 1, 4, 2, 1)
MIDDLE = Form(3, 50, 20, 5, 500, 10, 20, 20, 7, 2)
LONG = Form(25, 300, 200, 20, 2_000, 60, 20, 100, 20, 10)


def scenarios(form: Form) -> dict[str, Scenario]:
    """Every kind by a word."""
    return {
        "points": lambda on: kills.at_each_point(on, times=form.per_point),
        "random": lambda on: kills.at_random(on, times=form.random_kills),
        "zombies": lambda on: zombies.wake(on, times=form.zombies),
        "restarts": lambda on: outages.restarts(on, times=form.restarts, shops=form.restart_shops),
        "away": lambda on: outages.unreachable(on, seconds=form.away_seconds),
        "disk": lambda on: outages.disk_full(on, seconds=4),
        "calls": lambda on: calls.database(on, loops=form.loops),
        "http": calls.http,
        "network": lambda on: network.bad_network(on, shops=form.network_shops),
        "hang": lambda on: network.hanging_fetch(on, shops=form.hanging),
        "clocks": lambda on: clocks.steps(on, times=form.clock_rounds),
        "summer": lambda on: clocks.summer_time(on, seconds=6),
    }


def run_lane(engine: str, form: Form, only: str | None) -> None:
    """One lane's scenarios; a line of JSON for each line of the table."""
    logging.disable(logging.ERROR)  # the sandbox tells of every client that died while it asked
    with lane(engine) as standing:
        for word, scenario in scenarios(form).items():
            if only in (None, word) and (engine != CLUSTER or word in ON_CLUSTER):
                for found in scenario(standing):
                    sys.stderr.write(f"{'ok ' if found.good else 'BAD'} {engine}: {found.fault}\n")
                    sys.stdout.write(json.dumps(found.as_json()) + "\n")
                    sys.stdout.flush()


def main() -> int:
    options = _options()
    form = LONG if options.long else MIDDLE
    if options.lane:
        random.seed(options.seed)
        run_lane(options.lane, form, options.only)
        return 0
    begun, load = time.monotonic(), os.getloadavg()[0]
    lines, ended_well = _all(sys.argv[1:])
    took = (time.monotonic() - begun) / 60
    sys.stdout.write(
        f"\n{table(lines)}\n\n{took:.0f} minutes on {os.cpu_count()} cores, load {load:.1f} at the start\n"
    )
    sys.stdout.write(complaints(lines) + "\n")
    return 0 if ended_well and all(line.good for line in lines) else 1


def _all(arguments: list[str]) -> tuple[list[Line], bool]:
    """(the lines of all lanes, whether all came to their end)"""
    command = [sys.executable, "-m", "tests.faults.run", *arguments, "--lane"]
    lanes = [subprocess.Popen([*command, engine], stdout=subprocess.PIPE, text=True, cwd=ROOT) for engine in LANES]
    lines = [found for process in lanes for found in _follow(process)]
    return lines, all(process.wait() == 0 for process in lanes)


def _follow(process: subprocess.Popen[str]) -> Iterator[Line]:
    for text in process.stdout or ():
        yield Line(**json.loads(text))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run", description=__doc__)
    parser.add_argument("--long", action="store_true", help="25 kills a point, 300 at random, 200 zombies, 20 restarts")
    parser.add_argument("--only", metavar="WORD", help=f"one of {', '.join(scenarios(SHORT))}")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the order that chance draws")
    parser.add_argument("--lane", choices=LANES, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
