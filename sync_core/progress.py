"""How far one run is: the shop's cursor and the attempt's progress, per resource, from one state."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sync_core.states import Mode

FULL, CHANGES = "full", "changes"


@dataclass(frozen=True)
class Haul:
    """How a leg comes by bulk operation: `id` None is not submitted yet; `offset`, `lines`: stored of its file."""

    id: str | None = None
    offset: int = 0
    lines: int = 0
    fresh: bool = False
    """We held no row of this resource when it was submitted: nothing stored can have gone meanwhile."""
    failures: int = 0
    """Operations of this leg that ended without their data."""
    submitted: str | None = None
    """When, as ISO text."""


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
    haul: Haul | None = None
    denied: datetime | None = None
    """When Shopify last said that the app may not run bulk operations on this shop."""
    rate: float | None = None
    """Objects a second of the last whole bulk operation, from submitting to stored."""

    def advance(self, *, roots: int, after: str | None, ended: bool) -> None:
        """A page is stored."""
        self.done += roots
        self.after = after
        self.ended = ended
        if self.total is not None:
            self.total = max(self.total, self.done)

    def hauled(self, now: datetime) -> None:
        """All of a bulk operation is stored."""
        if self.haul and self.haul.submitted and self.haul.lines:
            seconds = (now - datetime.fromisoformat(self.haul.submitted)).total_seconds()
            self.rate = self.haul.lines / max(1.0, seconds)
        self.haul = None
        self.advance(roots=0, after=None, ended=True)

    def start_over(self, haul: Haul | None) -> None:
        """From the beginning: by another bulk operation, or (None) page by page."""
        self.haul, self.after, self.done = haul, None, 0

    def recall(self, held: dict[str, Any]) -> None:
        """What a finished sync noted beside its rows outlives the cursor, which `everything` empties."""
        self.denied = self.denied or _moment(held.get("denied"))
        self.rate = self.rate or held.get("rate")

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
    watermark = _moment(stored.get("watermark"))
    known: dict[str, Any] = {
        "checked": _moment(stored.get("checked")),
        "denied": _moment(stored.get("denied")),
        "rate": stored.get("rate"),
    }
    if stored.get("started") is None:
        whole = mode is Mode.EVERYTHING or watermark is None
        return Leg(FULL if whole else CHANGES, now, watermark, **known)
    return Leg(
        kind=stored["pass"],
        started=datetime.fromisoformat(stored["started"]),
        watermark=watermark,
        after=stored["after"],
        done=stored["done"],
        total=stored["total"],
        ended=stored["ended"],
        haul=Haul(**stored["haul"]) if stored.get("haul") else None,
        **known,
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
        "haul": asdict(leg.haul) if leg.haul else None,
        **_known(leg),
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
        "haul": None,
        **_known(leg),
    }


def _known(leg: Leg) -> dict[str, Any]:
    """What outlives a pass."""
    return {"checked": _text(leg.checked), "denied": _text(leg.denied), "rate": leg.rate}


def noted(leg: Leg) -> dict[str, Any]:
    """What a finished sync notes of its bulk operations, for `recall`."""
    found = {"denied": _text(leg.denied), "rate": leg.rate}
    return {name: value for name, value in found.items() if value is not None}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
