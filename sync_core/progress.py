"""How far one run is: the shop's cursor and the attempt's progress, per resource, from one state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync_core.states import Mode

FULL, CHANGES = "full", "changes"


@dataclass
class Leg:
    """One resource in one pass; `after` is where its next page begins."""

    kind: str
    started: datetime
    watermark: datetime | None
    after: str | None = None
    done: int = 0
    total: int | None = None
    ended: bool = False
    skipped: str | None = None
    seconds_left: float | None = None
    """How long the rest of it takes, from the last page stored; None: not known."""
    checked: datetime | None = None
    """When the rows stored here were last compared with all of Shopify's ids."""

    def advance(self, *, roots: int, after: str | None, ended: bool) -> None:
        """A page is stored."""
        self.done += roots
        self.after = after
        self.ended = ended
        if self.total is not None:
            self.total = max(self.total, self.done)

    def skip(self, reason: str) -> None:
        """This resource cannot be read this time."""
        self.skipped = reason
        self.ended = True

    @property
    def since(self) -> datetime | None:
        """The watermark from which changes are asked for; None reads everything."""
        return self.watermark if self.kind == CHANGES else None


def resume(cursor: dict[str, Any], name: str, *, mode: Mode, now: datetime) -> Leg:
    """The leg of one resource: where an unfinished pass stands, else a new pass.

    Everything is read when that is the mode or nothing was finished yet, else what changed.
    """
    stored = cursor.get(name) or {}
    watermark, checked = _moment(stored.get("watermark")), _moment(stored.get("checked"))
    if stored.get("started") is None:
        whole = mode is Mode.EVERYTHING or watermark is None
        return Leg(FULL if whole else CHANGES, now, watermark, checked=checked)
    return Leg(
        kind=stored["pass"],
        started=datetime.fromisoformat(stored["started"]),
        watermark=watermark,
        after=stored["after"],
        done=stored["done"],
        total=stored["total"],
        ended=stored["ended"],
        checked=checked,
    )


def cursor_of(legs: dict[str, Leg]) -> dict[str, Any]:
    """The cursor from which a later attempt resumes. A skipped resource is tried again from its beginning."""
    return {name: _unbegun(leg, leg.watermark) if leg.skipped else _stored(leg) for name, leg in legs.items()}


def finished_cursor(legs: dict[str, Leg]) -> dict[str, Any]:
    """The cursor after success: the next pass asks for what changed since this one began."""
    return {name: _unbegun(leg, leg.watermark if leg.skipped else leg.started) for name, leg in legs.items()}


def progress_of(legs: dict[str, Leg]) -> dict[str, Any]:
    """What the pages show of a running attempt."""
    return {
        name: {"done": leg.done, "total": leg.total, "skipped": leg.skipped, "ended": leg.ended}
        | ({} if leg.ended or leg.seconds_left is None else {"seconds_left": leg.seconds_left})
        for name, leg in legs.items()
    }


def _stored(leg: Leg) -> dict[str, Any]:
    return {
        "pass": leg.kind,
        "after": leg.after,
        "done": leg.done,
        "total": leg.total,
        "started": leg.started.isoformat(),
        "watermark": _text(leg.watermark),
        "ended": leg.ended,
        "checked": _text(leg.checked),
    }


def _unbegun(leg: Leg, watermark: datetime | None) -> dict[str, Any]:
    kind = CHANGES if watermark else FULL
    return {
        "pass": kind,
        "after": None,
        "done": 0,
        "total": None,
        "started": None,
        "watermark": _text(watermark),
        "ended": False,
        "checked": _text(leg.checked),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
