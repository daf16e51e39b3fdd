"""A bulk file read line by line over a transport that answers what a test says."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from sync_core.config import load_settings
from sync_core.errors import Refused, Unavailable
from sync_core.shopify.client import Spent
from sync_core.shopify.patience import TRIES, Patience
from sync_core.shopify.storage import BLOCK_BYTES, Storage

FILE = b'{"id":1}\n{"id":22}\n{"id":333}\n'
URL = "https://storage.googleapis.com/bulk-1?Signature=x"


class Impatient(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


class Shelf:
    """Serves FILE by ranges; `answers` come first, as they are."""

    def __init__(self, file: bytes = FILE) -> None:
        self.file = file
        self.answers: list[httpx.Response | httpx.RequestError] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, httpx.RequestError):
                raise answer
            return answer
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        return httpx.Response(206 if start else 200, content=self.file[start:])


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def storage(shelf: Shelf) -> Iterator[Storage]:
    with httpx.Client(transport=httpx.MockTransport(shelf)) as http:
        yield Storage(load_settings(), http, Patience(stopping=Impatient()), Spent())


def read(storage: Storage, *, start: int = 0, size: int = len(FILE), url: str = URL) -> list[bytes]:
    return [line for some in storage.lines(lambda: url, start=start, size=size, at_once=1) for line in some.lines]


def test_lines_come_whole_and_say_where_they_end(storage: Storage) -> None:
    found = list(storage.lines(lambda: URL, start=0, size=len(FILE), at_once=1_000))

    assert [(some.lines, some.end) for some in found] == [([b'{"id":1}', b'{"id":22}', b'{"id":333}'], len(FILE))]


@pytest.mark.parametrize(("start", "lines"), [(0, 3), (9, 2), (19, 1), (len(FILE), 0)])
def test_reading_begins_where_it_ended(storage: Storage, start: int, lines: int) -> None:
    assert len(read(storage, start=start)) == lines


def test_a_last_line_needs_no_end(storage: Storage, shelf: Shelf) -> None:
    shelf.file = FILE[:-1]

    assert read(storage, size=len(FILE) - 1)[-1] == b'{"id":333}'


def test_a_file_is_fetched_no_further_than_it_was_read(storage: Storage, shelf: Shelf) -> None:
    fetched: list[int] = []
    block = b"1\n" * (BLOCK_BYTES // 2)
    shelf.answers = [httpx.Response(200, content=told(fetched, block, times=50))]
    found = storage.lines(lambda: URL, start=0, size=50 * len(block), at_once=1)

    for nth in (1, 2, 3):
        next(found)

        assert len(fetched) <= nth + 1
    found.close()


def told(heard: list[int], block: bytes, *, times: int) -> Iterator[bytes]:
    """The same block again and again; `heard` of each that was fetched."""
    for nth in range(times):
        heard.append(nth)
        yield block


def test_half_a_line_is_never_given_out(storage: Storage, shelf: Shelf) -> None:
    shelf.answers = [httpx.Response(200, content=FILE[:12])]

    assert read(storage) == FILE.splitlines()
    assert shelf.requests[1].headers["Range"] == "bytes=9-"


def test_a_server_without_ranges_is_read_from_its_beginning(storage: Storage, shelf: Shelf) -> None:
    shelf.answers = [httpx.Response(200, content=FILE)]

    assert read(storage, start=9) == FILE.splitlines()[1:]


@pytest.mark.parametrize(
    "answer", [httpx.Response(503), httpx.Response(403), httpx.ConnectError("x"), httpx.ReadTimeout("x")]
)
def test_what_passes_is_tried_again(
    storage: Storage, shelf: Shelf, answer: httpx.Response | httpx.RequestError
) -> None:
    shelf.answers = [answer]

    assert len(read(storage)) == 3


def test_a_file_that_stays_short_is_an_error_after_a_few_tries(storage: Storage, shelf: Shelf) -> None:
    with pytest.raises(Unavailable, match="ended after 30 of 32 bytes"):
        read(storage, size=len(FILE) + 2)

    assert len(shelf.requests) == TRIES


def test_a_redirect_is_not_followed(storage: Storage, shelf: Shelf) -> None:
    shelf.answers = [httpx.Response(302, headers={"Location": "https://evil.example/"})]

    read(storage)

    assert {request.url.host for request in shelf.requests} == {"storage.googleapis.com"}


def test_no_token_and_no_other_host(storage: Storage, shelf: Shelf) -> None:
    read(storage)

    with pytest.raises(Refused):
        read(storage, url="https://evil.example/bulk-1")
    assert len(shelf.requests) == 1
    assert not [name for name in shelf.requests[0].headers if "token" in name or "auth" in name]


def test_bytes_and_requests_are_counted(storage: Storage) -> None:
    read(storage)

    assert (storage.spent.requests, storage.spent.bytes) == (1, len(FILE))
