"""What one kind of fault led to, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.faults.auditor import Verdict

LIMIT_SECONDS = 2 + 30
"""lease + 30 s, at LEASE_SECONDS=2."""

HEADINGS = ("fault", "database", "times", "shops", "lost", "doubled", "stale", "other", "longest takeover")


@dataclass
class Line:
    """One row of the table. `times`: how often the fault happened, of `wanted`."""

    fault: str
    engine: str
    times: int
    wanted: int
    shops: int
    lost: int
    doubled: int
    stale: int
    other: int
    longest_takeover: float
    said: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        clean = self.lost == self.doubled == self.stale == self.other == 0
        return clean and self.times >= self.wanted and self.longest_takeover <= LIMIT_SECONDS

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def line(fault: str, engine: str, verdict: Verdict, *, times: int, wanted: int) -> Line:
    """The row of a verdict."""
    counts = (len(verdict.lost), len(verdict.doubled), len(verdict.stale), len(verdict.broken))
    return Line(fault, engine, times, wanted, verdict.shops, *counts, verdict.longest_takeover, verdict.faults)


def table(lines: Iterable[Line]) -> str:
    """Markdown, one row a line; what went wrong below it."""
    rows = [_cells(line) for line in lines]
    widths = [max(len(row[column]) for row in [HEADINGS, *rows]) for column in range(len(HEADINGS))]
    ruler = ["-" * width for width in widths]
    return "\n".join(_row(row, widths) for row in [HEADINGS, ruler, *rows])


def complaints(lines: Iterable[Line]) -> str:
    """A sentence for each thing that went wrong, the first 20 of a line."""
    return "\n".join(
        f"{line.fault}, {line.engine}: {said}" for line in lines if not line.good for said in _sentences(line)
    )


def _sentences(line: Line) -> list[str]:
    missed = [f"happened {line.times} times of {line.wanted}"] if line.times < line.wanted else []
    slow = [f"a takeover took {line.longest_takeover:.0f} s"] if line.longest_takeover > LIMIT_SECONDS else []
    return [*missed, *slow, *line.said[:20]]


def _cells(line: Line) -> tuple[str, ...]:
    times = str(line.times) if line.times >= line.wanted else f"{line.times} of {line.wanted}"
    counts = (line.lost, line.doubled, line.stale, line.other)
    takeover = f"{line.longest_takeover:.1f} s" if line.longest_takeover else "none needed"
    return (line.fault, line.engine, times, str(line.shops), *map(str, counts), takeover)


def _row(cells: Iterable[str], widths: list[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
