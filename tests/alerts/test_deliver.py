"""Delivery: once, retried, its failure kept, the address never."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from structlog.testing import capture_logs

from sync_core.alerts.channels import Channel, Letter, channels, send_by_apprise, shown
from sync_core.alerts.deliver import CLAIM_SECONDS, deliver
from sync_core.alerts.snapshot import Severity
from sync_core.config import Settings
from sync_core.models import Mute
from tests.alerts.conftest import Book, Postbox, Webhook, alarm
from tests.conftest import MakeSettings

PAGES = "json://127.0.0.1:1/pages"
TICKETS = "json://127.0.0.1:1/tickets"


@pytest.fixture
def told(make_settings: MakeSettings, database_url: str) -> Settings:
    """Settings with a channel for each severity."""
    return make_settings(database_url=database_url, alert_urls_page=PAGES, alert_urls_ticket=TICKETS)


def test_a_letter_has_the_four_answers_and_one_link(book: Book, told: Settings) -> None:
    post = Postbox()
    book.settle(alarm(shops=("a.myshopify.com", "b.myshopify.com"), n=7))

    deliver(book.database, told, send=post)

    ((name, letter),) = post.letters
    assert name == "json://127.0.0.1"
    assert letter.title == "[test] ACT: The safety check does not run"
    assert letter.text.splitlines() == [
        "ACT. Since 2 Nov, 09:00 UTC.",
        "It hits 7 shops: a.myshopify.com, b.myshopify.com and 5 more.",
        "Why: The scheduler gives no sign of life.",
        "First: Start it: python scheduler.py.",
        "http://127.0.0.1:8501/system",
    ]


def test_what_heals_itself_says_so(book: Book, told: Settings) -> None:
    post = Postbox()
    book.settle(alarm("shopify", Severity.TICKET, act=False, title="Shopify fails for most shops"))

    deliver(book.database, told, send=post)

    letter = post.letters[0][1]
    assert letter.title == "[test] Heals itself: Shopify fails for most shops"
    assert letter.text.startswith("HEALS ITSELF, nothing to do. Since")


def test_each_change_is_sent_once_in_its_order(book: Book, told: Settings) -> None:
    post = Postbox()
    book.settle(alarm())
    deliver(book.database, told, send=post)
    book.settle(alarm(), hours=1)
    book.settle(minutes=5)

    for _ in range(3):
        deliver(book.database, told, send=post)

    assert post.titles == [
        "[test] ACT: The safety check does not run",
        "[test] Still: ACT: The safety check does not run",
        "[test] Recovered: The safety check does not run",
    ]
    assert post.letters[-1][1].text.startswith("It lasted 1 h 35 min, until 2 Nov, 10:35 UTC. It hit no shop.")


def test_of_many_processes_one_sends(book: Book, told: Settings) -> None:
    post, together = Postbox(), Barrier(6)
    book.settle(alarm())

    def send_all(nth: int) -> None:
        together.wait()
        deliver(book.database, told, send=post)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send_all, range(6)))

    assert len(post.letters) == 1


def test_a_refused_message_is_tried_again_later_and_its_failure_is_kept(book: Book, told: Settings) -> None:
    post = Postbox(refusals=1)
    book.settle(alarm())
    deliver(book.database, told, send=post)
    failed = book.messages[0]

    deliver(book.database, told, send=post)
    book.clock.advance(seconds=30)
    deliver(book.database, told, send=post)

    assert (failed.error, failed.sent_at) == ("json://127.0.0.1: answered HTTP 503", None)
    assert (post.tried, len(post.letters)) == (2, 1)
    assert (book.messages[0].error, book.messages[0].tries) == (None, 2)


def test_what_was_refused_is_overtaken_by_what_is_newer(book: Book, told: Settings) -> None:
    post = Postbox(refusals=1)
    book.settle(alarm())
    deliver(book.database, told, send=post)
    book.settle(seconds=10)

    deliver(book.database, told, send=post)
    book.clock.advance(days=1)
    deliver(book.database, told, send=post)

    assert [title.split(":")[0] for title in post.titles] == ["[test] Recovered"]
    assert [(row.dropped_at is not None, row.error) for row in book.messages] == [
        (True, "overtaken by a later message: json://127.0.0.1: answered HTTP 503"),
        (False, None),
    ]


def test_a_dead_channel_holds_up_no_other(book: Book, make_settings: MakeSettings, database_url: str) -> None:
    two = make_settings(database_url=database_url, alert_urls_page="json://dead.example, json://well.example")
    got: list[tuple[str, str]] = []

    def send(channel: Channel, letter: Letter) -> str | None:
        if "dead" in channel.name:
            return "dead.example: answered HTTP 404"
        got.append((f"{book.clock():%H:%M}", letter.title.split(":")[0]))
        return None

    for alarms, later in (((alarm(),), 0), ((alarm(),), 60), ((), 5)):
        book.settle(*alarms, minutes=later)
        deliver(book.database, two, send=send)

    assert got == [("09:30", "[test] ACT"), ("10:30", "[test] Still"), ("10:35", "[test] Recovered")]


def test_what_got_worse_does_not_wait_for_the_ticket_of_before(
    book: Book, make_settings: MakeSettings, database_url: str
) -> None:
    urls = {"alert_urls_page": "json://page.example", "alert_urls_ticket": "json://ticket.example"}
    two = make_settings(database_url=database_url, **urls)
    got: list[str] = []

    def send(channel: Channel, letter: Letter) -> str | None:
        got.append(f"{channel.name} {letter.title}")
        return "refused" if "ticket" in channel.name else None

    book.settle(alarm(severity=Severity.TICKET))
    deliver(book.database, two, send=send)
    book.settle(alarm(severity=Severity.PAGE), minutes=1)
    deliver(book.database, two, send=send)

    assert got[-1] == "json://page.example [test] Worse: ACT: The safety check does not run"


def test_a_channel_that_took_it_is_not_told_again_for_one_that_did_not(
    book: Book, make_settings: MakeSettings, database_url: str
) -> None:
    two = make_settings(database_url=database_url, alert_urls_page="json://one.example, json://two.example")
    post = Postbox(refusals=1)
    book.settle(alarm())
    deliver(book.database, two, send=post)

    book.clock.advance(minutes=1)
    deliver(book.database, two, send=post)

    assert [name for name, _ in post.letters] == ["json://two.example", "json://one.example"]


def test_after_a_crash_between_claim_and_note_another_process_sends_it(book: Book, told: Settings) -> None:
    def die(channel: Channel, letter: Letter) -> str | None:
        raise KeyboardInterrupt

    book.settle(alarm())
    with pytest.raises(KeyboardInterrupt):
        deliver(book.database, told, send=die)
    post = Postbox()

    book.clock.advance(seconds=CLAIM_SECONDS - 1)
    deliver(book.database, told, send=post)
    before = len(post.letters)
    book.clock.advance(seconds=1)
    deliver(book.database, told, send=post)

    assert (before, len(post.letters)) == (0, 1)


def test_what_nobody_takes_for_a_day_is_given_up(book: Book, told: Settings) -> None:
    post = Postbox(refusals=9)
    book.settle(alarm())
    book.clock.advance(hours=24)

    deliver(book.database, told, send=post)

    assert book.messages[0].dropped_at is not None
    assert (book.messages[0].error or "").startswith("given up after a day: ")


def test_without_a_channel_a_message_is_dropped_and_says_why(book: Book, settings: Settings) -> None:
    post = Postbox()
    book.settle(alarm())

    deliver(book.database, settings, send=post)

    assert (book.messages[0].error, post.tried) == ("no channel is set", 0)


def test_a_muted_alert_is_sent_when_the_mute_ends(book: Book, told: Settings) -> None:
    post = Postbox()
    with book.database.write() as session:
        now = book.clock()
        session.add(Mute(key="checks", until=now + timedelta(hours=1), by="Ada", reason="known", at=now))
    book.settle(alarm())

    deliver(book.database, told, send=post)
    before = len(post.letters)
    book.clock.advance(hours=1)
    deliver(book.database, told, send=post)

    assert (before, len(post.letters)) == (0, 1)


def test_a_page_without_a_channel_of_its_own_goes_where_tickets_go(make_settings: MakeSettings) -> None:
    tickets = make_settings(alert_urls_ticket=TICKETS)
    pages = make_settings(alert_urls_page=PAGES)

    assert channels(tickets, Severity.PAGE) == (Channel(TICKETS),)
    assert channels(pages, Severity.TICKET) == ()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("jsons://user:secret@hooks.example.com/secret", "jsons://hooks.example.com"),
        ("mailtos://ann:secret@mail.example", "mailtos://mail.example"),
        ("slack://secret/secret/secret", "slack://…"),
        ("tgram://secret/12", "tgram://…"),
    ],
)
def test_only_kind_and_host_of_an_address_are_shown(url: str, name: str) -> None:
    assert shown(url) == name
    assert "secret" not in repr(Channel(url))


def test_a_real_webhook_gets_the_letter(webhook: Webhook) -> None:
    letter = Letter("ACT: one", "Since now.\nWhy: this.", "failure")

    refused = send_by_apprise(Channel(webhook.url), letter)

    assert refused is None
    got = webhook.got[0]
    assert (got["title"], got["message"], got["type"]) == ("ACT: one", "Since now.\nWhy: this.", "failure")


def test_a_webhook_that_stumbles_is_tried_again_at_once(webhook: Webhook) -> None:
    webhook.answers += [500, 503]

    refused = send_by_apprise(Channel(webhook.url), Letter("one", "text", "warning"))

    assert (refused, webhook.titles) == (None, ["one"])


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("json://127.0.0.1:1/planted-secret", "json://127.0.0.1: no answer"),
        ("nosuch://planted-secret", "nosuch://…: Apprise does not know such an address"),
    ],
)
def test_the_reason_of_a_failure_holds_no_secret(url: str, why: str, capfd: pytest.CaptureFixture[str]) -> None:
    with capture_logs() as logs:
        refused = send_by_apprise(Channel(url), Letter("one", "text", "warning"))

    assert refused == why
    assert "planted-secret" not in str(logs) + "".join(capfd.readouterr())


def test_the_status_of_a_refusal_is_told(webhook: Webhook) -> None:
    webhook.answers += [404] * 3

    refused = send_by_apprise(Channel(webhook.url), Letter("one", "text", "warning"))

    assert refused == "json://127.0.0.1: answered HTTP 404"
