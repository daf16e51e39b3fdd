"""The line: who is taken when, as the claim loop and the checks would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync_core.explain.line import Place, Rounds, Workers, starts

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
RUN = timedelta(seconds=20)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def taken(
    places: list[Place], *, free: list[float], reserved: int = 0, rounds: Rounds | None = None
) -> dict[str, float]:
    workers = Workers(tuple(after(seconds) for seconds in free), reserved, RUN)
    return {name: (at - NOW).total_seconds() for name, at in starts(places, workers, rounds).items()}


def test_free_workers_take_the_most_urgent_and_the_longest_awake_first() -> None:
    places = [Place("old", 1, after(-90)), Place("b", 0, after(-4)), Place("a", 0, after(-5)), Place("c", 0, after(-3))]

    assert taken(places, free=[0, 0]) == {"a": 0, "b": 0, "c": 20, "old": 20}


def test_nobody_is_taken_before_it_is_ready_nor_before_a_worker_is_free() -> None:
    assert taken([Place("a", 0, after(30)), Place("b", 0, after(-1))], free=[12]) == {"b": 12, "a": 32}


def test_reserved_workers_are_left_to_the_most_urgent() -> None:
    places = [Place("x", 1, after(0)), Place("y", 1, after(0)), Place("new", 0, after(5))]

    assert taken(places, free=[0, 0], reserved=1) == {"x": 0, "new": 5, "y": 25}


def test_one_worker_serves_everybody_whatever_is_reserved() -> None:
    assert taken([Place("x", 2, after(0))], free=[0], reserved=4) == {"x": 0}


def test_a_check_wakes_only_so_many_the_longest_due_first() -> None:
    places = [Place(f"{nth:02}", 0, after(nth - 200), asleep=True) for nth in range(25)]
    rounds = Rounds(after(100), timedelta(seconds=300), 10)

    found = taken(places, free=[0] * 10, rounds=rounds)

    assert [found[name] for name in ("00", "09", "10", "19", "20", "24")] == [100, 100, 400, 400, 700, 700]


def test_who_is_due_only_later_waits_for_the_check_after_that() -> None:
    rounds = Rounds(after(100), timedelta(seconds=300), 10)
    places = [Place("a", 0, after(100), asleep=True), Place("b", 0, after(101), asleep=True)]

    assert taken([*places, Place("c", 0, after(9_000), asleep=True)], free=[0], rounds=rounds) == {
        "a": 100,
        "b": 400,
        "c": 9_100,
    }


def test_without_workers_or_checks_nobody_is_promised_a_start() -> None:
    places = [Place("awake", 0, after(0)), Place("asleep", 0, after(0), asleep=True)]

    assert taken(places, free=[], rounds=Rounds(after(100), timedelta(seconds=300), 10)) == {}
    assert taken(places, free=[0]) == {"awake": 0}


PLACES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(-600, 900), st.booleans()).map(lambda each: each), min_size=1, max_size=60
)


@given(
    found=PLACES, free=st.lists(st.integers(0, 120), min_size=1, max_size=9), batch=st.sampled_from([1, 3, 10, None])
)
def test_everybody_is_started_once_and_never_more_at_once_than_there_are_workers(
    found: list[tuple[int, int, bool]], free: list[int], batch: int | None
) -> None:
    places = [Place(f"{nth:02}", priority, after(ready), asleep) for nth, (priority, ready, asleep) in enumerate(found)]
    rounds = Rounds(after(60), timedelta(seconds=300), batch)

    begun = taken(places, free=[float(each) for each in free], reserved=2, rounds=rounds)

    assert begun.keys() == {place.shop_id for place in places}
    assert all(after(begun[place.shop_id]) >= place.ready_at for place in places)
    for at in begun.values():
        running = sum(at - 20 < other <= at for other in begun.values())
        assert running <= len(free)
