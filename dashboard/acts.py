"""What staff can do: each act checks the right again, opens one transaction, calls one verb, writes its audit row.

Each returns the sentence that the screen shows. Errors: Forbidden, UnknownShop; database errors pass through.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dashboard import access, data
from dashboard.access import Viewer
from sync_core import dispatch, lifecycle, sweep
from sync_core.alerts import staff
from sync_core.errors import BadInput
from sync_core.explain import cause_words, count, span
from sync_core.lifecycle import Answer, Asked
from sync_core.models import Audit, Note
from sync_core.states import Mode, Trigger

LONGEST_NOTE = 2_000


def sync_now(viewer: Viewer, shop_id: str, *, reason: str = "") -> str:
    """Ask for a sync of what changed."""
    return _request(viewer, shop_id, mode=Mode.CHANGES, reason=reason, act="sync")


def read_everything(viewer: Viewer, shop_id: str, *, reason: str = "") -> str:
    """Ask for a sync that reads everything again."""
    return _request(viewer, shop_id, mode=Mode.EVERYTHING, reason=reason, act="read_everything")


def take_over(viewer: Viewer, shop_id: str, *, reason: str) -> str:
    """End a run that makes no progress and start another."""
    viewer.must(access.TAKE_OVER)
    with data.desk().database.write() as session:
        now = data.desk().database.now(session)
        why = _needed(reason)
        lifecycle.take_over(session, shop_id, actor=viewer.name, reason=why, now=now)
        dispatch.announce(session, shop_id, now=now, settings=data.desk().settings)
        _audit(session, viewer, "take_over", now=now, shop_id=shop_id, reason=why)
    data.look_again()
    return "Taken over: another worker starts it now."


def stop(viewer: Viewer, shop_id: str, *, reason: str) -> str:
    """Sync this shop no more until somebody asks again."""
    viewer.must(access.STOP)
    with data.desk().database.write() as session:
        now = data.desk().database.now(session)
        why = _needed(reason)
        lifecycle.stop(session, shop_id, actor=viewer.name, reason=why, now=now)
        _audit(session, viewer, "stop", now=now, shop_id=shop_id, reason=why)
    data.look_again()
    return "Stopped: this shop is not synced until somebody presses Sync now."


def write_note(viewer: Viewer, shop_id: str, text: str) -> str:
    """Add a note that all staff see."""
    viewer.must(access.NOTE)
    words = text.strip()
    if not 0 < len(words) <= LONGEST_NOTE:
        raise BadInput(f"A note has 1 to {LONGEST_NOTE:,} characters", field="text")
    with data.desk().database.write() as session:
        now = data.desk().database.now(session)
        session.add(Note(shop_id=shop_id, at=now, by=viewer.name, text=words))
        _audit(session, viewer, "note", now=now, shop_id=shop_id)
    data.look_again()
    return "Noted."


def check_now(viewer: Viewer) -> str:
    """Run one safety check; it opens requests, workers carry them out."""
    viewer.must(access.CHECK)
    desk = data.desk()
    with desk.database.write() as session:
        _audit(session, viewer, "check", now=desk.database.now(session))
    done = sweep.tick(desk.database, by=viewer.name, settings=desk.settings, vault=desk.vault)
    data.look_again()
    return f"Checked: {count(done.due, 'shop')} due, {done.opened} started, {done.adopted} new."


def acknowledge(viewer: Viewer, alert_id: str) -> str:
    """Say that the viewer has this alert."""
    viewer.must(access.ACKNOWLEDGE)
    with data.desk().database.write() as session:
        now = data.desk().database.now(session)
        staff.acknowledge(session, alert_id, by=viewer.name, now=now)
        _audit(session, viewer, "acknowledge", now=now, about=alert_id)
    data.look_again()
    return "You have it: no more reminders go out."


def mute(viewer: Viewer, key: str, *, length: timedelta, reason: str) -> str:
    """Send nothing about a cause for a while."""
    viewer.must(access.MUTE)
    with data.desk().database.write() as session:
        now = data.desk().database.now(session)
        staff.mute(session, key, until=now + length, by=viewer.name, reason=reason, now=now)
        _audit(session, viewer, "mute", now=now, reason=reason.strip(), about=key)
    data.look_again()
    return f"Muted for {span(length.total_seconds())}."


def unmute(viewer: Viewer, key: str) -> str:
    """Tell about a cause again."""
    viewer.must(access.MUTE)
    with data.desk().database.write() as session:
        now = data.desk().database.now(session)
        staff.unmute(session, key, now=now)
        _audit(session, viewer, "unmute", now=now, about=key)
    data.look_again()
    return "Muted no more."


def _request(viewer: Viewer, shop_id: str, *, mode: Mode, reason: str, act: str) -> str:
    viewer.must(access.SYNC)
    why = reason.strip() or None
    with data.desk().database.write() as session:
        now = data.desk().database.now(session)
        asked = lifecycle.request(
            session, shop_id, trigger=Trigger.MANUAL, now=now, actor=viewer.name, reason=why, mode=mode
        )
        dispatch.announce(session, shop_id, now=now, settings=data.desk().settings)
        _audit(session, viewer, act, now=now, shop_id=shop_id, reason=why, answer=asked.answer.value)
    data.look_again()
    return _answer(asked)


def _answer(asked: Asked) -> str:
    sentences = {
        Answer.OPENED: "Asked for: a worker starts it now.",
        Answer.JOINED: "Already asked for: it is next in line.",
        Answer.RUNNING: "It is syncing already.",
        Answer.SKIPPED: asked.why,
        Answer.REFUSED: f"Not started: {cause_words(asked.hold).lower()}.",
    }
    return sentences[asked.answer]


def _needed(reason: str) -> str:
    words = reason.strip()
    if not words:
        raise BadInput("A reason is needed", field="reason")
    return words


def _audit(
    session: Session,
    viewer: Viewer,
    act: str,
    *,
    now: datetime,
    shop_id: str | None = None,
    reason: str | None = None,
    answer: str | None = None,
    about: str | None = None,
) -> None:
    """`about`: what it was done to, when that is no shop."""
    detail = {name: words for name, words in (("answer", answer), ("about", about)) if words}
    session.add(Audit(at=now, actor=viewer.name, act=act, shop_id=shop_id, reason=reason, origin="page", detail=detail))
