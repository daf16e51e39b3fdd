"""The client over a transport that answers what a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest

from sync_core.config import Settings
from sync_core.errors import BadInput, Held, Refused, Released, Throttled, Unavailable
from sync_core.shopify.answers import TooSlow
from sync_core.shopify.client import ShopifyClient, open_http
from sync_core.shopify.patience import TRIES, Patience
from sync_core.shopify.throttle import Limiter
from sync_core.states import Hold
from tests.conftest import MakeSettings

GOOD = {"data": {"shop": {"name": "Oak"}}}
Answer = httpx.Response | httpx.RequestError


class Recorder(threading.Event):
    """Notes each wait instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0)
        return self.is_set()


class Wire:
    """Answers in the order given; the last one repeats."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [httpx.Response(200, json=GOOD)]
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.RequestError):
            raise answer
        return answer


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def stopping() -> Recorder:
    return Recorder()


MakeClient = Callable[..., ShopifyClient]


@pytest.fixture
def make_client(wire: Wire, stopping: Recorder, make_settings: MakeSettings) -> Iterator[MakeClient]:
    settings = make_settings(shopify_base_url="https://{shop}")
    with httpx.Client(transport=httpx.MockTransport(wire)) as http:

        def make(domain: str = "oak.myshopify.com", **more: Any) -> ShopifyClient:
            tools: dict[str, Any] = {"settings": settings, "http": http, "limiter": Limiter()}
            return ShopifyClient(domain, "shpat_first", **tools, patience=Patience(stopping=stopping), **more)

        yield make


def test_a_query_goes_to_the_shops_own_host_with_its_token(make_client: MakeClient, wire: Wire) -> None:
    make_client().execute("query Q($n: Int) { shop { name } }", {"n": 1})

    request = wire.requests[0]
    assert str(request.url) == "https://oak.myshopify.com/admin/api/2026-10/graphql.json"
    assert request.headers["X-Shopify-Access-Token"] == "shpat_first"
    assert orjson.loads(request.content)["variables"] == {"n": 1}


@pytest.mark.parametrize("domain", ["evil.example.com", "oak.myshopify.com.evil.com", "oak.myshopify.com/x", "a@b"])
def test_no_other_host_is_ever_asked(make_client: MakeClient, domain: str) -> None:
    with pytest.raises(BadInput):
        make_client(domain)


def test_a_redirect_is_not_followed(make_client: MakeClient, wire: Wire) -> None:
    wire.answers = [httpx.Response(302, headers={"Location": "https://elsewhere.example.com/"})]

    with pytest.raises(Exception, match="moved"):
        make_client().execute("query Q { shop { name } }")

    assert {request.url.host for request in wire.requests} == {"oak.myshopify.com"}


def test_the_processs_client_has_timeouts_and_follows_no_redirects() -> None:
    with open_http() as http:
        assert (http.timeout.connect, http.timeout.read) == (5, 30)
        assert http.follow_redirects is False


@pytest.mark.parametrize(
    "bad",
    [
        httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "2.0"}),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("half a body"),
        httpx.Response(200, content=b'{"data": {'),
    ],
)
def test_what_may_pass_is_tried_again(make_client: MakeClient, wire: Wire, bad: Answer) -> None:
    wire.answers = [bad, httpx.Response(200, json=GOOD)]

    reply = make_client().execute("query Q { shop { name } }")

    assert reply.data == GOOD["data"]
    assert len(wire.requests) == 2


def test_retries_are_bounded_and_wait_longer_each_time(make_client: MakeClient, wire: Wire, stopping: Recorder) -> None:
    wire.answers = [httpx.Response(500)]

    with pytest.raises(Unavailable):
        make_client().execute("query Q { shop { name } }")

    assert len(wire.requests) == TRIES
    assert len(stopping.waits) == TRIES - 1
    assert all(0.25 * 2**n <= wait <= 0.5 * 2**n for n, wait in enumerate(stopping.waits))


def test_retry_after_is_honoured_with_jitter(make_client: MakeClient, wire: Wire, stopping: Recorder) -> None:
    wire.answers = [httpx.Response(429, headers={"Retry-After": "2.5"}), httpx.Response(200, json=GOOD)]

    make_client().execute("query Q { shop { name } }")

    assert 2.5 < stopping.waits[0] <= 3.0


@pytest.mark.parametrize(("seconds", "requests"), [("60", 2), ("60.1", 1)])
def test_a_long_retry_after_is_left_to_the_next_attempt(
    make_client: MakeClient, wire: Wire, seconds: str, requests: int
) -> None:
    wire.answers = [httpx.Response(429, headers={"Retry-After": seconds}), httpx.Response(400)]

    with pytest.raises((Throttled, Refused)):
        make_client().execute("query Q { shop { name } }")

    assert len(wire.requests) == requests


def test_what_cannot_pass_is_not_tried_again(make_client: MakeClient, wire: Wire) -> None:
    wire.answers = [httpx.Response(400)]

    with pytest.raises(Refused):
        make_client().execute("query Q { shop { name } }")

    assert len(wire.requests) == 1


@pytest.mark.parametrize(("variables", "requests"), [({"first": 250}, 1), ({}, TRIES)])
def test_a_slow_page_is_left_to_whoever_can_ask_for_less(
    make_client: MakeClient, wire: Wire, variables: dict[str, int], requests: int
) -> None:
    wire.answers = [httpx.Response(504)]

    with pytest.raises(TooSlow):
        make_client().execute("query Q { shop { name } }", variables)

    assert len(wire.requests) == requests


def test_a_wait_ends_when_the_process_stops(make_client: MakeClient, wire: Wire, stopping: Recorder) -> None:
    wire.answers = [httpx.Response(503)]
    stopping.set()

    with pytest.raises(Released):
        make_client().execute("query Q { shop { name } }")

    assert len(wire.requests) == 1


def test_a_refused_token_is_replaced_once(make_client: MakeClient, wire: Wire) -> None:
    wire.answers = [httpx.Response(401), httpx.Response(200, json=GOOD)]
    refused: list[str] = []

    def fresh_token(used: str) -> str:
        refused.append(used)
        return "shpat_second"

    make_client(fresh_token=fresh_token).execute("query Q { shop { name } }")

    assert refused == ["shpat_first"]
    assert wire.requests[1].headers["X-Shopify-Access-Token"] == "shpat_second"


def test_a_fresh_token_that_is_refused_too_ends_it(make_client: MakeClient, wire: Wire) -> None:
    wire.answers = [httpx.Response(401)]

    with pytest.raises(Held) as caught:
        make_client(fresh_token=lambda _used: "shpat_second").execute("query Q { shop { name } }")

    assert caught.value.hold is Hold.REAUTHORISE
    assert len(wire.requests) == 2


def test_the_next_query_waits_for_the_bucket(make_client: MakeClient, wire: Wire, stopping: Recorder) -> None:
    poor = {"maximumAvailable": 2000.0, "currentlyAvailable": 0, "restoreRate": 0.001}
    cost = {"requestedQueryCost": 10, "actualQueryCost": 4, "throttleStatus": poor}
    wire.answers = [httpx.Response(200, json={**GOOD, "extensions": {"cost": cost}})]
    client = make_client()
    client.execute("query Q { shop { name } }")
    stopping.set()

    with pytest.raises(Released):
        client.execute("query Q { shop { name } }")

    assert stopping.waits[0] == pytest.approx(10_000, rel=0.01)
    assert len(wire.requests) == 1


def test_what_was_spent_is_counted(make_client: MakeClient, wire: Wire) -> None:
    bucket = {"maximumAvailable": 2000.0, "currentlyAvailable": 1900, "restoreRate": 100.0}
    cost = {"requestedQueryCost": 10, "actualQueryCost": 4, "throttleStatus": bucket}
    wire.answers = [httpx.Response(503), httpx.Response(200, json={**GOOD, "extensions": {"cost": cost}})]
    client = make_client()

    reply = client.execute("query Q { shop { name } }")

    assert (client.spent.requests, client.spent.points, client.spent.bytes) == (2, 4, reply.bytes)


def test_no_error_names_the_token_or_the_body(make_client: MakeClient, wire: Wire) -> None:
    wire.answers = [httpx.Response(400, text="ada@example.com shpat_first")]

    with pytest.raises(Refused) as caught:
        make_client().execute("query Q { shop { name } }")

    assert str(caught.value) == "Shopify answered 400"


def test_settings_choose_version_and_host(wire: Wire, make_settings: MakeSettings) -> None:
    settings: Settings = make_settings(shopify_api_version="2027-01", shopify_base_url="http://127.0.0.1:9292/{shop}")
    with httpx.Client(transport=httpx.MockTransport(wire)) as http:
        ShopifyClient("oak.myshopify.com", "t", settings=settings, http=http, limiter=Limiter()).execute(
            "query Q { x }"
        )

    assert str(wire.requests[0].url) == "http://127.0.0.1:9292/oak.myshopify.com/admin/api/2027-01/graphql.json"


def test_another_version_than_asked_is_logged_once(
    make_client: MakeClient, wire: Wire, capsys: pytest.CaptureFixture[str]
) -> None:
    wire.answers = [httpx.Response(200, json=GOOD, headers={"X-Shopify-API-Version": "2027-01"})]
    client = make_client()

    client.execute("query Q { shop { name } }")
    client.execute("query Q { shop { name } }")

    assert capsys.readouterr().out.count("shopify.version") == 1
