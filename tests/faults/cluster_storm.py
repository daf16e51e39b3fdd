"""Three workers of the cluster, one killed with -9 every five seconds and started again, until all shops are synced.

`python -m tests.faults.cluster_storm [shops]` prints the table; 2,000 shops take some minutes on two cores.
"""

from __future__ import annotations

import random
import sys
import time
from itertools import count

from tests.faults.ground import Ground, lane
from tests.faults.report import Line, complaints, line, table
from tests.journeys.processes import Stage

SHOPS = 2_000
WORKERS = 3
KILL_EVERY_SECONDS = 5.0
PATIENCE_SECONDS = 1_200
CLUSTER = {"DISPATCH": "procrastinate", "WORKERS": "3"}
"""Few runs at once, so that what a kill orphans is less than what the others can take over."""


def storm(shops: int, *, every: float = KILL_EVERY_SECONDS, latency_ms: float = 50) -> tuple[Line, float]:
    """The row of the table, and the seconds until all were synced."""
    with lane("postgresql") as postgres, postgres.ground(latency_ms=latency_ms, **CLUSTER) as ground:
        ground.install(shops)
        stage = Stage(ground.folder, ground.environment)
        begun = time.monotonic()
        try:
            kills = _until_synced(ground, stage, every)
        finally:
            stage.end()
        spent = time.monotonic() - begun
        found = line(
            f"{WORKERS} workers, kill -9 every {every:g} s", "postgresql", ground.audit(), times=kills, wanted=1
        )
        if left := ground.unfinished():
            found.lost += left
        return found, spent


def _until_synced(ground: Ground, stage: Stage, every: float) -> int:
    """Kill one worker after another while shops wait; how many were killed."""
    stage.scheduler()
    names = (f"worker-{number}" for number in count())
    alive = [next(names) for _ in range(WORKERS)]
    for name in alive:
        stage.worker(name)
    kills, until = 0, time.monotonic() + PATIENCE_SECONDS
    killing = time.monotonic() + every
    while ground.unfinished() and time.monotonic() < until:
        time.sleep(0.2)
        if time.monotonic() >= killing:
            stage.kill(alive.pop(random.randrange(WORKERS)))
            alive.append(next(names))
            stage.worker(alive[-1])
            kills, killing = kills + 1, killing + every
    return kills


def main(arguments: list[str]) -> int:
    """Run and print; 1 when something was lost, doubled, stale or late."""
    found, spent = storm(int(arguments[0]) if arguments else SHOPS)
    rate = f"{found.shops:,} shops in {spent:.0f} s, {found.shops / spent:.1f} a second."
    sys.stdout.write("\n\n".join([table([found]), rate, complaints([found])]) + "\n")
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
