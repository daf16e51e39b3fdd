"""Acts: the right is checked in each, the audit row stands or falls with what was done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from dashboard import acts
from dashboard.access import LOCAL_ADMIN, Role, Viewer
from dashboard.api.desk import Desk
from sync_core.errors import BadInput, Forbidden, UnknownShop
from sync_core.models import Audit, SyncAttempt
from tests.views.conftest import Fleet

VIEWER = Viewer("Ada", Role.VIEWER)
SUPPORT = Viewer("Jon", Role.SUPPORT)

Act = Callable[[Viewer], str]

ACTS: dict[str, Act] = {
    "sync": lambda viewer: acts.sync_now(viewer, "id-calm-0"),
    "read_everything": lambda viewer: acts.read_everything(viewer, "id-calm-0"),
    "take_over": lambda viewer: acts.take_over(viewer, "id-calm-0", reason="stands still"),
    "stop": lambda viewer: acts.stop(viewer, "id-calm-0", reason="asked"),
    "note": lambda viewer: acts.write_note(viewer, "id-calm-0", "Called"),
    "check": acts.check_now,
}


def audited(desk: Desk) -> list[str]:
    with desk.database.read() as session:
        return list(session.execute(select(Audit.act)).scalars())


@pytest.mark.parametrize("name", ACTS)
def test_each_act_is_audited_once(name: str, fleet: Fleet, desk: Desk) -> None:
    fleet.healthy(shops=1)

    said = ACTS[name](LOCAL_ADMIN)

    assert said.endswith(".")
    assert audited(desk) == [name]


@pytest.mark.parametrize("name", ACTS)
def test_a_viewer_may_do_none_of_it(name: str, fleet: Fleet, desk: Desk) -> None:
    fleet.healthy(shops=1)

    with pytest.raises(Forbidden, match="A viewer may not"):
        ACTS[name](VIEWER)

    assert audited(desk) == []


def test_support_starts_syncs_and_stops_none(fleet: Fleet, desk: Desk) -> None:
    fleet.healthy(shops=1)

    ACTS["sync"](SUPPORT)

    with pytest.raises(Forbidden, match="A support may not stop"):
        ACTS["stop"](SUPPORT)


@pytest.mark.parametrize("act", [acts.stop, acts.take_over])
@pytest.mark.parametrize("reason", ["", "  "])
def test_what_ends_a_run_needs_a_reason(act: Callable[..., str], reason: str, fleet: Fleet, desk: Desk) -> None:
    fleet.healthy(shops=1)

    with pytest.raises(BadInput, match="reason"):
        act(LOCAL_ADMIN, "id-calm-0", reason=reason)

    assert audited(desk) == []


@pytest.mark.parametrize(("length", "kept"), [(0, False), (1, True), (2000, True), (2001, False)])
def test_a_note_has_a_length(length: int, kept: bool, fleet: Fleet, desk: Desk) -> None:
    fleet.healthy(shops=1)

    try:
        acts.write_note(LOCAL_ADMIN, "id-calm-0", "x" * length)
    except BadInput:
        assert not kept

    assert (audited(desk) == ["note"]) is kept


def test_an_unknown_shop_leaves_no_trace(desk: Desk) -> None:
    with pytest.raises(UnknownShop):
        acts.sync_now(LOCAL_ADMIN, "nobody")

    assert audited(desk) == []


def test_reading_everything_asks_for_everything(fleet: Fleet, desk: Desk) -> None:
    fleet.healthy(shops=1)

    acts.read_everything(LOCAL_ADMIN, "id-calm-0", reason="merchant misses products")

    with desk.database.read() as session:
        asked = session.execute(select(SyncAttempt).where(SyncAttempt.ended_at.is_(None))).scalar_one()
    assert (asked.mode, asked.reason) == ("everything", "merchant misses products")


def test_a_shop_that_only_the_merchant_can_help_is_refused_in_words(fleet: Fleet, desk: Desk) -> None:
    fleet.burning()

    said = acts.sync_now(LOCAL_ADMIN, "id-revoked")

    with desk.database.read() as session:
        waiting = select(func.count()).select_from(SyncAttempt).where(SyncAttempt.claimed_at.is_(None))
        assert session.execute(waiting).scalar_one() == 0
    assert said == "Not started: access revoked."
