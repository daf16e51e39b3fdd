"""Every situation is explained, in the screen's words, with one who must act and one thing to do."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sync_core import explain as told
from sync_core.explain import Action, Explanation, Need, Run, Situation, Step, Who, explain, span
from sync_core.explain.words import ATTENTION, CAUSES, OVERDUE
from sync_core.states import Hold, Mode, Status, Trigger

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
CODE_WORDS = re.compile(
    r"pick-?up|\bclaim|\bleases?\b|\bfence|\bwake|\bsweep|\bholds?\b|\bheld\b|\bsteal|\bstolen|orphan|\breleased?\b|due_at"
    r"|\bslots?\b|addressable|reauthori|IN_PROGRESS|PENDING|COMPLETED|FAILED|\bNone\b|\bgeneration\b|\battempt",
)
ERRORS = [
    None,
    *("unavailable", "throttled", "security", "refused", "access_denied", "not_found", "reauthorise", "frozen"),
    *("locked", "scope", "stalled", "internal", "orphaned"),
]
SENTENCE = re.compile(r"[A-Z0-9].*[^.]\.")
STEPS = (Step("shop", 1, 1, None, ended=True), Step("products", 1240, 2000, None, ended=False, rate=25))


def say(moment: datetime) -> str:
    return f"{moment:%H:%M}"


def ago(**span_: float) -> datetime:
    return NOW - timedelta(**span_)


def situation(**values: object) -> Situation:
    plain = Situation(
        name="Atelier Moreau", now=NOW, status=Status.PENDING, since=ago(minutes=4), installed_at=ago(minutes=5)
    )
    return replace(plain, **values)  # type: ignore[arg-type]


def run(**values: object) -> Run:
    plain = Run(Trigger.MANUAL, Mode.CHANGES, "Ada Lindqvist", None, ago(minutes=2), None, 1)
    return replace(plain, **values)  # type: ignore[arg-type]


def runs() -> Iterator[Run | None]:
    yield None
    yield run()
    yield run(trigger=Trigger.WAKE, actor=None, mode=Mode.EVERYTHING, reason="Merchant misses products.")
    yield run(claimed_at=ago(minutes=1), steps=STEPS, seconds_left=40.0, progress_at=ago(seconds=1))
    yield run(claimed_at=ago(minutes=9), steps=(), trigger=Trigger.PROBE, actor=None)


def situations() -> Iterator[Situation]:
    """Status x blocked by x open run x lease x error class x who is alive x profile x data or none."""
    for status, hold, open_run, error in itertools.product(Status, (None, *Hold), runs(), ERRORS):
        for due, alive, scheduler, prompt, data in itertools.product(
            (None, ago(minutes=1), ago(minutes=-1)), (True, False), (True, False), (True, False), (None, ago(hours=6))
        ):
            yield situation(
                status=status,
                hold=hold,
                run=open_run,
                error_class=error,
                failures=3 if error else 0,
                due_at=due,
                next_at=due,
                workers_alive=alive,
                scheduler_alive=scheduler,
                prompt=prompt,
                data_of=data,
                generation=1 if data else 2,
            )


def sentences(said: Explanation) -> list[str]:
    return [said.headline, said.now, said.why, said.next, said.read_aloud]


def test_every_situation_is_told_in_whole_sentences_of_the_screens_words() -> None:
    seen = {sentence for each in situations() for sentence in sentences(explain(each, say=say))}

    assert not {sentence for sentence in seen if CODE_WORDS.search(sentence)}
    assert not {sentence for sentence in seen if not SENTENCE.fullmatch(sentence)}
    assert not {sentence for sentence in seen if re.search(r"\b1 (shops|tries|times)\b|  |\.\.|: \.|: :", sentence)}


def test_sync_now_is_off_or_replaced_only_with_a_reason() -> None:
    for each in situations():
        said = explain(each, say=say)

        assert (said.action in (Action.SYNC, Action.TAKE_OVER)) == (said.off_because is None)


def test_no_screen_word_of_a_cause_is_a_word_of_the_code() -> None:
    assert not [words for words in CAUSES.values() if CODE_WORDS.search(words)]
    assert set(ERRORS) - {None} <= set(CAUSES)
    assert {hold.value for hold in Hold} <= set(CAUSES)


@pytest.mark.parametrize(
    ("values", "who", "action"),
    [
        ({"status": Status.PENDING}, Who.NOBODY, Action.SYNC),
        ({"status": Status.FAILED, "failures": 2}, Who.NOBODY, Action.SYNC),
        ({"status": Status.COMPLETED, "data_of": ago(minutes=6)}, Who.NOBODY, Action.SYNC),
        ({"status": Status.FAILED, "hold": Hold.REAUTHORISE}, Who.MERCHANT, Action.LINK),
        ({"status": Status.FAILED, "hold": Hold.SCOPE}, Who.MERCHANT, Action.LINK),
        ({"status": Status.FAILED, "hold": Hold.FROZEN}, Who.MERCHANT, Action.SYNC),
        ({"status": Status.FAILED, "hold": Hold.LOCKED}, Who.SHOPIFY, Action.SYNC),
        ({"status": Status.FAILED, "hold": Hold.GONE}, Who.MERCHANT, Action.INSTALL_LINK),
        ({"status": Status.COMPLETED, "hold": Hold.UNINSTALLED}, Who.MERCHANT, Action.INSTALL_LINK),
        ({"status": Status.FAILED, "hold": Hold.STOPPED}, Who.NOBODY, Action.SYNC),
        ({"status": Status.FAILED, "failures": 12, "attention": True, "error_class": "internal"}, Who.US, Action.SYNC),
        (
            {"status": Status.FAILED, "failures": 12, "attention": True, "error_class": "unavailable"},
            Who.SHOPIFY,
            Action.SYNC,
        ),
        ({"status": Status.PENDING, "overdue": True}, Who.US, Action.SYNC),
        ({"status": Status.PENDING, "workers_alive": False}, Who.US, Action.OFF),
    ],
)
def test_each_state_says_who_must_act_and_what_is_offered(values: dict[str, object], who: Who, action: Action) -> None:
    said = explain(situation(**values), say=say)

    assert (said.who, said.action) == (who, action)


@pytest.mark.parametrize(
    ("quiet_seconds", "action"), [(119, Action.WATCH), (120, Action.TAKE_OVER), (121, Action.TAKE_OVER)]
)
def test_taking_over_is_offered_only_without_a_sign_of_progress(quiet_seconds: int, action: Action) -> None:
    going = run(claimed_at=ago(minutes=9), progress_at=ago(seconds=quiet_seconds))

    said = explain(situation(status=Status.IN_PROGRESS, run=going, due_at=ago(minutes=-1)), say=say)

    assert said.action is action


def test_a_running_sync_tells_progress_end_and_what_to_read_aloud() -> None:
    going = run(claimed_at=ago(minutes=2), steps=STEPS, seconds_left=40.0, progress_at=ago(seconds=1))
    at = situation(status=Status.IN_PROGRESS, run=going, due_at=ago(seconds=-59), data_of=ago(hours=6, minutes=18))

    said = explain(at, say=say)

    assert said.headline == "Syncing now: products at 62 %, about 40 s left."
    assert said.now == "Syncing since 14:28, started by Ada Lindqvist; the data of 08:12 stays in use until it ends."
    assert said.next == "It ends at about 14:30. If it fails, the next try comes by itself."
    assert said.read_aloud == "Your products are being copied: 1,240 of 2,000, about 40 s left."
    assert (said.who, said.chip) == (Who.NOBODY, "Nobody must act")


def test_a_resource_is_never_shown_at_100_percent_before_it_ended() -> None:
    going = run(claimed_at=ago(minutes=2), steps=(Step("products", 2000, 2000, None, ended=False),))

    said = explain(situation(status=Status.IN_PROGRESS, run=going), say=say)

    assert said.headline == "Syncing now: products at 99 %."


@pytest.mark.parametrize(("seconds", "died"), [(-1, False), (0, True), (1, True)])
def test_a_run_whose_sign_of_life_is_past_due_is_told_as_a_dead_worker(seconds: int, died: bool) -> None:
    at = situation(status=Status.IN_PROGRESS, run=run(claimed_at=ago(minutes=2)), due_at=ago(seconds=seconds))

    said = explain(at, say=say)

    assert said.headline.startswith("The sync stood still") is died


def test_a_failed_refresh_reads_as_data_in_use_never_as_never_synced() -> None:
    at = situation(status=Status.FAILED, failures=1, data_of=ago(hours=6), next_at=NOW + timedelta(minutes=1))

    said = explain(at, say=say)

    assert said.headline == "Data of 08:30; refresh failed, next try at 14:31."


def test_a_failure_tells_its_cause_with_evidence_and_the_next_try() -> None:
    at = situation(
        status=Status.FAILED,
        failures=3,
        failing_since=ago(minutes=10),
        error_class="unavailable",
        error_message="Shopify answered 503 on products, page 4.",
        next_at=NOW + timedelta(minutes=1),
    )

    said = explain(at, say=say)

    assert said.headline == "Failed 3 times; next try at 14:31."
    assert said.now == "3 tries in a row failed since 14:20; there is no data yet."
    assert said.why == "Shopify too slow or down: Shopify answered 503 on products, page 4."
    assert said.next == "The next try comes at 14:31, by itself; Sync now tries at once."


def test_up_to_date_says_how_old_the_data_is_and_what_is_missing() -> None:
    at = situation(status=Status.COMPLETED, data_of=ago(minutes=6), skipped=("orders",))

    said = explain(at, say=say)

    assert said.headline == "Up to date: data of 14:24, 6 min old."
    assert said.now == "Complete, without orders: permission missing."


def test_a_blocked_shop_tells_when_we_look_again_by_ourselves() -> None:
    at = situation(status=Status.FAILED, hold=Hold.FROZEN, next_at=NOW + timedelta(hours=6), failing_since=ago(hours=3))

    said = explain(replace(at, held_since=ago(hours=1)), say=say)

    assert said.now == "Blocked since 13:30; there is no data."
    assert said.next.startswith("We look again by ourselves at 20:30.")


@pytest.mark.parametrize(
    ("hold", "why"),
    [
        (Hold.FROZEN, "Shopify froze the shop's plan (402); most often a bill is unpaid."),
        (Hold.SCOPE, "Our app may not read the products: the scope read_products is missing."),
    ],
)
def test_why_a_shop_is_blocked_is_said_once(hold: Hold, why: str) -> None:
    words = {Hold.FROZEN: "Shopify answered 402: the shop is frozen", Hold.SCOPE: "the scope read_products is missing"}

    said = explain(situation(status=Status.FAILED, hold=hold, error_message=words[hold]), say=say)

    assert said.why == why


def test_a_shop_that_nobody_can_start_says_when_a_worker_was_last_seen() -> None:
    at = situation(workers_alive=False, workers_seen_at=ago(hours=11, minutes=28))

    said = explain(at, say=say)

    assert said.next == "Nothing happens until a worker runs: the last one was seen at 03:02."
    assert said.off_because == "No worker is alive."


def need(**values: object) -> Need:
    plain = Need(
        shop_id="1",
        domain="kitsune-prints.myshopify.com",
        name="Kitsune Prints",
        cause=ATTENTION,
        who=Who.US,
        action=Action.SYNC,
        since=ago(minutes=52),
        held_since=None,
        next_at=NOW + timedelta(minutes=3),
        failures=12,
        error_class="internal",
        error_message="product 8812 has no price that we can read",
        status=Status.FAILED,
        first_synced_at=None,
    )
    return replace(plain, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "needs_first", "first", "second"),
    [
        (
            {},
            None,
            "Failed 12 times since 13:38: product 8812 has no price that we can read",
            "Next try 14:33, by itself",
        ),
        (
            {"cause": "reauthorise", "next_at": None},
            "a worker",
            "Shopify refuses our access since 13:38; asked again once, refused",
            "No try until the merchant reconnects",
        ),
        (
            {"cause": "frozen", "held_since": ago(minutes=3)},
            "the scheduler",
            "Shopify froze the plan at 14:27; most often a bill is unpaid",
            "No try until the scheduler runs",
        ),
        (
            {"cause": OVERDUE, "failures": 0, "action": Action.OFF},
            "a worker",
            "Waiting to be started since 13:38",
            "No try until a worker runs",
        ),
        ({"cause": OVERDUE}, None, "The next try was to start at 13:38", "It starts when a worker is free"),
    ],
)
def test_a_needs_you_row_says_what_is_wrong_and_what_comes_by_itself(
    values: dict[str, object], needs_first: str | None, first: str, second: str
) -> None:
    assert told.problem(need(**values), say=say) == first
    assert told.next_step(need(**values), say=say, needs_first=needs_first) == second


@pytest.mark.parametrize("cause", [ATTENTION, OVERDUE, "reauthorise", "scope", "frozen", "locked", "gone"])
@pytest.mark.parametrize("next_at", [None, NOW])
def test_every_cause_of_a_need_has_its_two_lines(cause: str, next_at: datetime | None) -> None:
    lines = [
        told.problem(need(cause=cause, next_at=next_at), say=say),
        told.next_step(need(cause=cause, next_at=next_at), say=say, needs_first=None),
        told.next_step(need(cause=cause, next_at=next_at), say=say, needs_first="the scheduler"),
    ]

    assert not [line for line in lines if CODE_WORDS.search(line) or not line]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (110, "1 min 50 s"),
        (600, "10 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (41_040, "11 h 24 min"),
        (86_400, "1 day"),
        (273_600, "3 days 4 h"),
    ],
)
def test_a_duration_is_told_in_at_most_two_units(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("n", "capped", "words"), [(0, False, "0 shops"), (1, False, "1 shop"), (10_000, True, "10,000+ shops")]
)
def test_a_count_agrees_with_its_noun(n: int, capped: bool, words: str) -> None:
    assert told.count(n, "shop", capped=capped) == words


IDLE = {"prompt": False, "scheduler_alive": False}


@pytest.mark.parametrize(
    ("values", "headline", "next_"),
    [
        (
            {"next_at": NOW + timedelta(minutes=5), **IDLE},
            "Waiting to be started, and nobody starts it.",
            "Nothing happens by itself until the scheduler runs again; Sync now starts it.",
        ),
        (
            {"status": Status.FAILED, "failures": 2, "due_at": NOW + timedelta(minutes=5), **IDLE},
            "Failed twice; nobody starts the next try.",
            "Nothing happens by itself until the scheduler runs again; Sync now tries at once.",
        ),
        (
            {"status": Status.COMPLETED, "due_at": ago(hours=5), **IDLE},
            "Up to date.",
            "The data is not refreshed until the scheduler runs again; Sync now does it.",
        ),
        (
            {"status": Status.COMPLETED, "due_at": ago(minutes=1)},
            "Up to date.",
            "The data is refreshed as soon as a worker is free.",
        ),
        (
            {"status": Status.FAILED, "hold": Hold.FROZEN, "due_at": NOW + timedelta(hours=3), "workers_alive": False},
            "Blocked: plan frozen.",
            "Nothing happens until a worker runs: none was ever seen.",
        ),
        (
            {"status": Status.FAILED, "hold": Hold.FROZEN, "due_at": NOW + timedelta(hours=3), **IDLE},
            "Blocked: plan frozen.",
            "We do not look again by ourselves until the scheduler runs. When the merchant says that it is paid, "
            "Sync now tries at once.",
        ),
        (
            {"ahead": 1_000, "ahead_capped": True, "due_at": ago(minutes=1)},
            "Waiting for a free worker.",
            "It starts when its turn comes; so many are before it that nobody can say when.",
        ),
        (
            {"ahead": 300, "overdue": True, "next_at": NOW + timedelta(minutes=9)},
            "Waiting to be started, and late.",
            "It starts when its turn comes, at about 14:39.",
        ),
        (
            {"overdue": True, "next_at": NOW + timedelta(minutes=5), "prompt": False},
            "Waiting to be started, and late.",
            "It starts by itself at 14:35.",
        ),
    ],
)
def test_nothing_is_promised_that_nobody_would_do(values: dict[str, object], headline: str, next_: str) -> None:
    said = explain(situation(**values), say=say)

    assert (said.headline, said.next) == (headline, next_)


def test_who_must_run_first_is_named() -> None:
    lives = [lives for lives in itertools.product((True, False), repeat=3) if lives[2] or not lives[1]]

    said = {
        (workers, scheduler, wakes): told.needs_first(workers_alive=workers, scheduler_alive=scheduler, wakes=wakes)
        for workers, scheduler, wakes in lives
    }

    assert {lives for lives, first in said.items() if first is None} == {(True, True, True), (True, False, True)}
    assert said[True, False, False] == "the scheduler"
    assert said[False, True, True] == "a worker"
    assert said[False, False, True] == "the scheduler"


def test_a_merchant_hears_what_is_missing() -> None:
    said = explain(situation(status=Status.COMPLETED, data_of=ago(hours=1), skipped=("orders",)), say=say)

    assert "without orders" in said.now
    assert said.read_aloud.startswith("Your data is up to date, without your orders:")


def test_many_more_before_it_are_said_to_be_more() -> None:
    said = explain(situation(ahead=1_000, ahead_capped=True), say=say)

    assert said.why == "1,000+ shops before it: its turn comes by order and age."
