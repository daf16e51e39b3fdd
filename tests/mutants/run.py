"""Remove one rule at a time from a copy of the code and see which test fails: `make mutants`.

Prints a table (rule, removal, caught by). Exit status 1 when a mutant survives or an old text is not
found. `--machine` asks only the state machine, `--rule TEXT` only the rules that contain it,
`--markdown` prints the table for docs/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from tests.mutants.table import MUTANTS, Mutant
from tests.postgres import running_postgres

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis", "images")
MODULES = ["tests/lifecycle", "tests/test_install.py", "tests/test_sweep.py"]
LOCKS = ["tests/lifecycle/test_locks.py", "tests/lifecycle/test_claims.py"]
MACHINE = ["tests/properties/test_prompt_profile.py", "tests/properties/test_classic_profile.py"]
QUICK = ["-x", "--timeout=60", "-p", "no:cacheprovider", "--ignore=tests/lifecycle/test_fairness.py"]
COPIES = 2
FAILED = re.compile(r"^FAILED \S+?([\w/]+\.py)::(\S+)", re.MULTILINE)
BROKEN = re.compile(r"Broken: ([A-Z-]+)")


@dataclass(frozen=True)
class Verdict:
    """What came of one mutant; `caught_by` is None when it survived."""

    mutant: Mutant
    caught_by: str | None


@dataclass(frozen=True)
class Copy:
    """A copy of the tree in which one mutation at a time is tried."""

    root: Path
    postgres: str

    def judge(self, mutant: Mutant, *, machine_only: bool) -> Verdict:
        before = {file: (self.root / file).read_text() for file, _, _ in mutant.edits}
        try:
            self._apply(mutant)
            tries = (self._caught(suite, mutant.engine) for suite in _suites(mutant, machine_only=machine_only))
            return Verdict(mutant, next((caught for caught in tries if caught), None))
        finally:
            for file, text in before.items():
                (self.root / file).write_text(text)

    def prove(self, mutants: list[Mutant], *, machine_only: bool) -> None:
        """The code as it is passes what the mutants must fail. Errors: SystemExit."""
        firsts = {(mutant.engine, *next(_suites(mutant, machine_only=machine_only))) for mutant in mutants}
        for engine, *suite in firsts:
            caught = self._caught(suite, engine)
            if caught:
                raise SystemExit(f"fails without any mutation: {caught}")

    def _apply(self, mutant: Mutant) -> None:
        for file, old, new in mutant.edits:
            text = (self.root / file).read_text()
            if text.count(old) != 1:
                raise SystemExit(f"{mutant.rule}: {text.count(old)} places in {file} have the old text")
            changed = text.replace(old, new)
            compile(changed, file, "exec")
            (self.root / file).write_text(changed)

    def _caught(self, suite: list[str], engine: str) -> str | None:
        other = {"sqlite": "postgresql", "postgresql": "sqlite"}[engine]
        done = self.python("-m", "pytest", *suite, *QUICK, "-k", f"not {other}")
        if done.returncode == 0:
            return None
        found = FAILED.search(done.stdout)
        if found is None:
            raise SystemExit(f"no test failed, but pytest did:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        promise = BROKEN.search(done.stdout)
        return f"state machine: {promise[1]}" if promise else _told(found[1], found[2])

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        own = {"PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1", "PROPERTY_SHRINK": "no"}
        environment = {**os.environ, **own, "TEST_DATABASE_URL": self.postgres}
        return subprocess.run(
            [sys.executable, *words], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )


def _suites(mutant: Mutant, *, machine_only: bool) -> Iterator[list[str]]:
    if not machine_only:
        yield list(mutant.tests) or (LOCKS if mutant.engine == "postgresql" else MODULES)
    for profile in MACHINE:
        yield [profile]


def _told(file: str, test: str) -> str:
    name = test.partition("[")[0]
    if "properties" in file:
        return f"state machine: {name}"
    return f"{Path(file).stem}: {name.removeprefix('test_').replace('_', ' ')}"


@contextmanager
def _copies(postgres: str) -> Iterator[Queue[Copy]]:
    """Copies of the tree, each proved to be what Python imports there."""
    with tempfile.TemporaryDirectory(prefix="shopsync-mutants-") as folder:
        free: Queue[Copy] = Queue()
        for number in range(COPIES):
            copy = Copy(Path(shutil.copytree(ROOT, Path(folder) / str(number), ignore=LEFT_OUT)), postgres)
            where = copy.python(
                "-c", "import sync_core.lifecycle as x, tests.fleet as y; print(x.__file__, y.__file__)"
            )
            if where.stdout.count(str(copy.root)) != 2:
                raise SystemExit(f"the copy is not what is imported: {where.stdout}{where.stderr}")
            free.put(copy)
        yield free


def _judge_all(mutants: list[Mutant], *, machine_only: bool) -> Iterator[Verdict]:
    with running_postgres() as server, _copies(server.url) as free, ThreadPoolExecutor(COPIES) as pool:

        def judge(mutant: Mutant) -> Verdict:
            copy = free.get()
            try:
                return copy.judge(mutant, machine_only=machine_only)
            finally:
                free.put(copy)

        first = free.get()
        first.prove(mutants, machine_only=machine_only)
        free.put(first)
        yield from pool.map(judge, mutants)


def main() -> int:
    """Judge the mutants; 1 when one survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rule", default="")
    parser.add_argument("--machine", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    form = "| {rule} | {law} | {removal} | {caught} |" if asked.markdown else "{rule:28} {removal:58} {caught}"
    mutants, survived = [mutant for mutant in MUTANTS if asked.rule in mutant.rule], 0
    for verdict in _judge_all(mutants, machine_only=asked.machine):
        survived += verdict.caught_by is None
        words = {"rule": verdict.mutant.rule, "law": verdict.mutant.law, "removal": verdict.mutant.removal}
        sys.stdout.write(form.format(**words, caught=verdict.caught_by or "SURVIVED") + "\n")
        sys.stdout.flush()
    sys.stderr.write(f"{survived} of {len(mutants)} survived\n")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
