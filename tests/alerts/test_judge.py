"""Which alerts should be open: each rule at its edge, one alert a cause."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from sync_core.alerts.judge import judge
from sync_core.alerts.mends import MENDS
from sync_core.alerts.snapshot import Alarm, Clock, Hit, Severity, ShopifyFails
from sync_core.explain.words import CAUSES
from sync_core.lifecycle.causes import NAMES
from sync_core.states import PROBED_HOLDS, Hold, Status
from tests.alerts.conftest import MakeFacts
from tests.conftest import Ago

PAGE, TICKET = Severity.PAGE, Severity.TICKET


def hits(n: int, since: datetime, **other: object) -> tuple[Hit, ...]:
    return tuple(Hit(f"shop-{nth}.myshopify.com", since, **({"changed_at": since} | other)) for nth in range(n))


def told(alarms: tuple[Alarm, ...]) -> dict[str, Severity]:
    return {alarm.key: alarm.severity for alarm in alarms}


def test_a_healthy_fleet_has_no_alert(facts: MakeFacts) -> None:
    assert judge(facts()) == ()


@pytest.mark.parametrize(("seconds", "keys"), [(599, {}), (600, {}), (601, {"checks": PAGE})])
def test_no_good_check_for_two_periods_wakes_somebody(
    facts: MakeFacts, ago: Ago, *, seconds: int, keys: dict[str, Severity]
) -> None:
    assert told(judge(facts(last_good_at=ago(seconds=seconds)))) == keys


def test_each_way_of_falling_silent_has_its_cause(facts: MakeFacts, ago: Ago) -> None:
    silent = {"last_good_at": ago(hours=1)}
    failing = {"check_error": "BadSetting in vault.py:41"}
    never = {"last_good_at": None, "scheduler_seen_at": None}

    ways = [
        judge(facts(**(silent | other)))[0].message
        for other in (
            {"scheduler_alive": False},
            {},
            failing,
            {"scheduler_alive": False} | never,
        )
    ]

    assert [message.cause.split(":")[0] for message in ways] == [
        "The scheduler gives no sign of life",
        "The scheduler ends no check",
        "Checks begin, and do not end well",
        "No scheduler was ever started",
    ]
    assert ways[2].cause.endswith(": BadSetting in vault.py:41")
    assert [message.link for message in ways] == ["/system", "/system", "/sweeps", "/system"]


def test_an_empty_installation_that_was_never_checked_is_no_alert(facts: MakeFacts) -> None:
    assert judge(facts(anybody=False, last_good_at=None)) == ()


def test_shops_that_wait_for_the_dead_scheduler_are_named_by_its_alert_alone(facts: MakeFacts, ago: Ago) -> None:
    dead = {"last_good_at": ago(hours=1), "scheduler_alive": False, "workers_alive": False}
    waiting, leases = hits(2, ago(minutes=40)), hits(1, ago(minutes=20))

    alarms = judge(facts(**dead, waiting=waiting, waiting_n=2, leases=leases))

    assert told(alarms) == {"checks": PAGE}
    assert (alarms[0].message.n, alarms[0].message.shops[0]) == (3, "shop-0.myshopify.com")


@pytest.mark.parametrize(
    ("n", "installed", "severity"),
    [(1, 10, TICKET), (3, 10, TICKET), (4, 10, PAGE), (5, 100, TICKET), (6, 100, PAGE), (50, 1000, TICKET)],
)
def test_one_late_shop_is_a_ticket_and_more_than_three_and_five_percent_a_page(
    facts: MakeFacts, ago: Ago, *, n: int, installed: int, severity: Severity
) -> None:
    alarms = judge(facts(waiting=hits(n, ago(minutes=11)), waiting_n=n, installed=installed))

    assert told(alarms) == {"overdue": severity}


@pytest.mark.parametrize(
    ("other", "cause"),
    [
        ({"workers_alive": False}, "No worker gives a sign of life"),
        ({"over_limit": 7}, "More shops are due than one safety check may start"),
        ({"workers_free": 0}, "All workers are busy"),
        ({}, "Workers are alive and free, and take none of them"),
    ],
)
def test_late_shops_are_told_with_why_nobody_starts_them(
    facts: MakeFacts, ago: Ago, *, other: dict[str, object], cause: str
) -> None:
    (alarm,) = judge(facts(waiting=hits(1, ago(minutes=11)), waiting_n=1, **other))

    assert alarm.message.cause == cause


def test_a_lease_that_nobody_took_over_and_a_run_that_stands_still_are_tickets(facts: MakeFacts, ago: Ago) -> None:
    alarms = judge(facts(leases=hits(1, ago(minutes=3)), stuck=hits(2, ago(minutes=15))))

    assert told(alarms) == {"leases": TICKET, "stuck": TICKET}


@pytest.mark.parametrize(("n", "keys"), [(2, {}), (3, {"cause:internal": PAGE}), (4, {"cause:internal": PAGE})])
def test_three_shops_with_one_cause_within_an_hour_wake_somebody(
    facts: MakeFacts, ago: Ago, *, n: int, keys: dict[str, Severity]
) -> None:
    assert told(judge(facts(failing={"internal": hits(n, ago(minutes=59))}))) == keys


@pytest.mark.parametrize(
    ("minutes", "keys"), [(59, {"cause:internal": PAGE}), (60, {"cause:internal": PAGE}), (61, {})]
)
def test_failures_of_more_than_an_hour_ago_count_no_more(
    facts: MakeFacts, ago: Ago, *, minutes: int, keys: dict[str, Severity]
) -> None:
    assert told(judge(facts(failing={"internal": hits(3, ago(minutes=minutes))}))) == keys


def test_a_causes_alert_stays_until_its_last_shop_is_well(facts: MakeFacts, ago: Ago) -> None:
    one = facts(failing={"internal": hits(1, ago(minutes=5))})

    assert told(judge(one, frozenset({"cause:internal"}))) == {"cause:internal": TICKET}
    assert judge(one) == ()


def test_a_shop_after_twelve_straight_failures_is_a_ticket(facts: MakeFacts, ago: Ago) -> None:
    failing = {"refused": hits(1, ago(minutes=5), attention=True, words="Field 'foo' doesn't exist.")}

    (alarm,) = judge(facts(failing=failing))

    assert (alarm.key, alarm.severity) == ("cause:refused", TICKET)
    assert alarm.message.cause.endswith(": Field 'foo' doesn't exist")
    assert alarm.message.link == "/shop?domain=shop-0.myshopify.com"


def test_one_shop_that_shopify_turned_away_is_enough(facts: MakeFacts, ago: Ago) -> None:
    assert told(judge(facts(failing={"security": hits(1, ago(minutes=1))}))) == {"cause:security": TICKET}


def test_when_shopify_fails_for_most_one_calm_message_stands_for_all(facts: MakeFacts, ago: Ago) -> None:
    outage = ShopifyFails(failing=41, asked=44, since=ago(minutes=9))
    failing = {"unavailable": hits(41, ago(minutes=5)), "throttled": hits(5, ago(minutes=5))}

    (alarm,) = judge(facts(shopify=outage, failing=failing))

    assert (alarm.key, alarm.severity, alarm.message.act) == ("shopify", TICKET, False)
    assert "41 of 44" in alarm.message.cause


def test_an_error_of_our_own_is_told_while_shopify_fails_too(facts: MakeFacts, ago: Ago) -> None:
    outage = ShopifyFails(failing=41, asked=44, since=ago(minutes=9))

    alarms = judge(facts(shopify=outage, failing={"internal": hits(3, ago(minutes=5))}))

    assert told(alarms) == {"cause:internal": PAGE, "shopify": TICKET}


def test_a_newly_blocked_shop_is_a_ticket_and_three_within_an_hour_a_page(facts: MakeFacts, ago: Ago) -> None:
    frozen = hits(2, ago(minutes=5), words="The shop is frozen")
    blocked = {"frozen": frozen, "reauthorise": hits(3, ago(minutes=5)), "gone": hits(5, ago(hours=9))}

    alarms = judge(facts(blocked=blocked))

    assert told(alarms) == {"cause:reauthorise": PAGE, "cause:frozen": TICKET, "cause:gone": TICKET}
    assert not any("The shop is frozen" in alarm.message.cause for alarm in alarms)


@pytest.mark.parametrize(
    ("offset", "keys"), [(4.9, {}), (5.0, {}), (5.1, {"clock": TICKET}), (-5.1, {"clock": TICKET})]
)
def test_a_clock_more_than_five_seconds_off_is_a_ticket(
    facts: MakeFacts, *, offset: float, keys: dict[str, Severity]
) -> None:
    assert told(judge(facts(clocks=(Clock("host", offset),)))) == keys


def test_times_that_run_backwards_are_a_ticket(facts: MakeFacts, ago: Ago) -> None:
    (alarm,) = judge(facts(backwards=hits(1, ago(minutes=5))))

    assert (alarm.key, alarm.message.title) == ("clock", "Times run backwards")


def test_five_hundred_shops_with_every_cause_make_one_alert_a_cause_that_names_shops_and_mend(
    facts: MakeFacts, ago: Ago
) -> None:
    causes = sorted(set(MENDS) - set(Hold))
    failing = {cause: hits(500 // len(MENDS), ago(minutes=5)) for cause in causes}
    blocked = {cause: hits(500 // len(MENDS), ago(minutes=5)) for cause in MENDS if cause in set(Hold)}

    alarms = judge(facts(failing=failing, blocked=blocked))

    assert {alarm.key for alarm in alarms} == {f"cause:{cause}" for cause in MENDS}
    assert all(len(alarm.message.shops) == 10 and alarm.message.n == 35 for alarm in alarms)
    assert len({alarm.message.action for alarm in alarms}) == len(MENDS)


@pytest.mark.parametrize(
    ("answered", "over", "keys"),
    [
        (None, None, {"cause:unavailable": PAGE}),
        (6, None, {}),
        (4, None, {"cause:unavailable": PAGE}),
        (4, 5, {}),
        (4, 6, {"cause:unavailable": PAGE}),
    ],
)
def test_silence_is_a_shops_own_when_shopify_answered_others_since_and_was_not_down(
    facts: MakeFacts, ago: Ago, *, answered: int | None, over: int | None, keys: dict[str, Severity]
) -> None:
    when = {
        "answered_at": None if answered is None else ago(minutes=answered),
        "shopify_over_at": None if over is None else ago(minutes=over),
    }

    assert told(judge(facts(failing={"unavailable": hits(3, ago(minutes=5))}, **when))) == keys


@pytest.mark.parametrize(("n", "severity"), [(1_000, TICKET), (1_001, PAGE)])
def test_a_thousand_late_shops_wake_somebody_in_a_fleet_of_any_size(
    facts: MakeFacts, ago: Ago, *, n: int, severity: Severity
) -> None:
    late = {"waiting": hits(20, ago(minutes=20)), "waiting_n": n, "installed": 20_021}

    assert told(judge(facts(**late))) == {"overdue": severity}


def test_a_message_names_the_longest_waiting_first_and_counts_up_to_a_cap(facts: MakeFacts, ago: Ago) -> None:
    waiting = (Hit("late.myshopify.com", ago(hours=2), ago(hours=2)), *hits(30, ago(minutes=20)))

    (alarm,) = judge(facts(waiting=waiting, waiting_n=1_001, installed=2_000))

    message = alarm.message
    assert (message.shops[0], message.since) == ("late.myshopify.com", ago(hours=2))
    assert (len(message.shops), message.n, message.capped) == (10, 1_000, True)


def test_every_cause_that_a_failure_can_have_has_its_mend_and_its_words() -> None:
    classes = {name for _, name in NAMES} | {"internal", "orphaned"}
    holds = {hold.value for hold in PROBED_HOLDS | {Hold.REAUTHORISE}}

    assert set(MENDS) == classes | holds
    assert set(MENDS) <= set(CAUSES)


def test_what_was_blocked_an_hour_and_a_day_ago_is_no_news(facts: MakeFacts, ago: Ago, now: datetime) -> None:
    held = hits(3, ago(hours=23), changed_at=now - timedelta(hours=23))

    assert told(judge(facts(blocked={"locked": held}))) == {"cause:locked": TICKET}


def test_where_an_alert_leads_the_shops_page_knows_the_filter(facts: MakeFacts, ago: Ago) -> None:
    late = hits(2, ago(minutes=20))
    alarms = judge(facts(waiting=late, waiting_n=2, leases=late, stuck=late, blocked={"frozen": late}))

    queries = [dict(parse_qsl(urlsplit(alarm.message.link).query)) for alarm in alarms]

    assert len(queries) == 4
    assert all(
        query.get("status") in {status.value for status in Status} or query.get("cause") in CAUSES for query in queries
    )
