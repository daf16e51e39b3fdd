"""An alert's message as text for any channel: short lines, one link, the screen's words. Pure."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sync_core.alerts.snapshot import CAP, Message
from sync_core.explain.words import count, span

OPENED, WORSE, RECOVERED, REMINDER = "opened", "worse", "recovered", "reminder"
"""What a message is about; a reminder carries its number, as in `reminder-2`."""


def as_json(message: Message) -> dict[str, Any]:
    """A message as its column keeps it."""
    return asdict(replace(message, shops=())) | {"since": message.since.isoformat(), "shops": list(message.shops)}


def from_json(kept: dict[str, Any]) -> Message:
    """The message that a column keeps."""
    return Message(**(kept | {"since": datetime.fromisoformat(kept["since"]), "shops": tuple(kept["shops"])}))


def title(message: Message, event: str, *, environment: str) -> str:
    """The one line that a phone shows."""
    if event == RECOVERED:
        head = "No more" if message.still else "Recovered"
    else:
        head = "ACT" if message.act else "Heals itself"
        head = f"Still: {head}" if event.startswith(REMINDER) else f"Worse: {head}" if event == WORSE else head
    return f"[{environment}] {head}: {message.title}"


def body(message: Message, event: str, *, at: datetime, address: str) -> str:
    """The four answers, a line each; `at`: when the change happened, `address`: the one link."""
    if event == RECOVERED:
        lasted = span((at - message.since).total_seconds())
        if message.still:
            return f"No other shop joined until {stamp(at)}. {still_hits(message)}\n{address}"
        return f"It lasted {lasted}, until {stamp(at)}. {hits(message, past=True)}\n{address}"
    todo = "ACT" if message.act else "HEALS ITSELF, nothing to do"
    lines = [
        f"{todo}. Since {stamp(message.since)}.",
        hits(message),
        f"Why: {message.cause}.",
        f"First: {message.action}.",
        address,
    ]
    return "\n".join(lines)


def hits(message: Message, *, past: bool = False) -> str:
    """Whom it hits, named as far as the message names them."""
    if not message.n:
        return "It hit no shop." if past else "It hits no shop yet."
    rest = message.n - len(message.shops)
    more = f" and {rest:,}{'+' if message.capped else ''} more" if rest > 0 else ""
    named = f": {', '.join(message.shops)}{more}" if message.shops else ""
    return f"It {'hit' if past else 'hits'} {count(message.n, 'shop', capped=message.capped)}{named}."


def still_hits(message: Message) -> str:
    """How many shops are not well yet although the alert is closed."""
    return f"It still hits {count(min(message.still, CAP), 'shop', capped=message.still > CAP)}."


def stamp(moment: datetime) -> str:
    """For readers in any zone: `2 Nov, 09:12 UTC`."""
    return f"{moment.day} {moment:%b, %H:%M} UTC"
