"""A TCP proxy between us and the sandbox that spoils answers: which shop's, and how, its name says.

A shop `<kind>-<n>.myshopify.com` meets the fault of that kind at its first SPOILED requests; every other
request passes. The proxy reads one request at a time and answers it over a connection of its own, so a
fault never reaches a shop that it is not meant for.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

SPOILED = 2
SECONDS = 60.0
NAME = re.compile(rb"^\w+ /([a-z-]+)-\d+\.myshopify\.com/")
HOST = "127.0.0.1"


class Gone(Exception):
    """The connection to the client is of no more use."""


Say = Callable[[bytes], None]


class Proxy:
    """Listens on `port`, asks `upstream`, and counts what it spoiled by kind."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.listener = socket.create_server((HOST, 0), backlog=512)
        self.port: int = self.listener.getsockname()[1]
        self.spoiled: Counter[str] = Counter()
        self._met: Counter[bytes] = Counter()
        self._lock = threading.Lock()

    def serve(self) -> None:
        """Until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, suppress(OSError, Gone):
            while request := _message(client):
                FAULTS[self._fault(request)](client, partial(self._ask, request))

    def _fault(self, request: bytes) -> str:
        found = NAME.match(request)
        kind = found[1].decode() if found else ""
        if found is None or kind not in FAULTS:
            return "none"
        with self._lock:
            self._met[found[0]] += 1
            if self._met[found[0]] > SPOILED:
                return "none"
            self.spoiled[kind] += 1
        return kind

    def _ask(self, request: bytes) -> bytes:
        with socket.create_connection((HOST, self.upstream), timeout=SECONDS) as server:
            server.sendall(request)
            return _message(server)


def _message(source: socket.socket) -> bytes:
    """One HTTP message with its body; empty when the other side has closed."""
    read = b""
    while b"\r\n\r\n" not in read:
        if not (more := source.recv(65536)):
            return b""
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]):
        if not (more := source.recv(65536)):
            return b""
        body += more
    return head + b"\r\n\r\n" + body


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Gone


def _hang(client: socket.socket) -> None:
    """Silence, for longer than a client waits; ends when the client gives up."""
    client.settimeout(SECONDS)
    client.recv(1)
    raise Gone


def _cut(share: float) -> Callable[[socket.socket, Callable[[], bytes]], None]:
    def spoil(client: socket.socket, ask: Callable[[], bytes]) -> None:
        answer = ask()
        client.sendall(answer[: max(1, int(len(answer) * share))])
        raise Gone

    return spoil


def _cut_at(mark: bytes, more: int) -> Callable[[socket.socket, Callable[[], bytes]], None]:
    def spoil(client: socket.socket, ask: Callable[[], bytes]) -> None:
        answer = ask()
        client.sendall(answer[: answer.index(mark) + more])
        raise Gone

    return spoil


def _late(seconds: float) -> Callable[[socket.socket, Callable[[], bytes]], None]:
    def spoil(client: socket.socket, ask: Callable[[], bytes]) -> None:
        time.sleep(seconds)
        client.sendall(ask())

    return spoil


def _drip(pause: float, size: int) -> Callable[[socket.socket, Callable[[], bytes]], None]:
    def spoil(client: socket.socket, ask: Callable[[], bytes]) -> None:
        answer = ask()
        for start in range(0, len(answer), size):
            client.sendall(answer[start : start + size])
            time.sleep(pause)

    return spoil


def _instead(answer: bytes) -> Callable[[socket.socket, Callable[[], bytes]], None]:
    def spoil(client: socket.socket, ask: Callable[[], bytes]) -> None:
        client.sendall(answer)
        raise Gone

    return spoil


def _body(change: Callable[[bytes], bytes]) -> Callable[[socket.socket, Callable[[], bytes]], None]:
    """The answer with its own head and another body of the same length."""

    def spoil(client: socket.socket, ask: Callable[[], bytes]) -> None:
        head, _, body = ask().partition(b"\r\n\r\n")
        client.sendall(head + b"\r\n\r\n" + change(body))

    return spoil


def _first_reset(client: socket.socket, _ask: Callable[[], bytes]) -> None:
    _reset(client)


def _closed(_client: socket.socket, _ask: Callable[[], bytes]) -> None:
    raise Gone


def _asked_and_closed(_client: socket.socket, ask: Callable[[], bytes]) -> None:
    ask()
    raise Gone


def _asked_and_reset(client: socket.socket, ask: Callable[[], bytes]) -> None:
    ask()
    _reset(client)


def _swallowed(client: socket.socket, _ask: Callable[[], bytes]) -> None:
    _hang(client)


def _half_then_silence(client: socket.socket, ask: Callable[[], bytes]) -> None:
    answer = ask()
    client.sendall(answer[: len(answer) // 2])
    _hang(client)


def _wrong_length(client: socket.socket, ask: Callable[[], bytes]) -> None:
    answer = ask()
    client.sendall(re.sub(rb"(?i)content-length: *\d+", b"content-length: 7", answer, count=1))
    raise Gone


def _passed(client: socket.socket, ask: Callable[[], bytes]) -> None:
    client.sendall(ask())


HTML = b"<html><body>Sign in to the hotel's network</body></html>"
OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n"

FAULTS: dict[str, Callable[[socket.socket, Callable[[], bytes]], None]] = {
    "none": _passed,
    "late": _late(0.4),
    "very-late": _late(8),
    "closed": _closed,
    "reset": _first_reset,
    "swallowed": _swallowed,
    "answer-dropped": _asked_and_closed,
    "answer-reset": _asked_and_reset,
    "one-byte": _cut_at(b"H", 1),
    "cut-status": _cut_at(b" ", 2),
    "cut-head": _cut_at(b"\r\n", 9),
    "no-body": _cut_at(b"\r\n\r\n", 4),
    "half-body": _cut(0.6),
    "last-byte": _cut(0.999),
    "half-then-silence": _half_then_silence,
    "drip": _drip(0.02, 64),
    "slow-drip": _drip(1.0, 16),
    "garbage": _instead(b"\x16\x03\x01\x00\xff" * 40),
    "garbage-body": _body(lambda body: b"\xff\x00" * (len(body) // 2) + b"\x00" * (len(body) % 2)),
    "zero-body": _body(lambda body: b"\x00" * len(body)),
    "wrong-length": _wrong_length,
    "empty": _instead(OK % 0),
    "other-page": _instead(OK % len(HTML) + HTML),
    "bad-gateway": _instead(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"),
}
KINDS = tuple(kind for kind in FAULTS if kind != "none")


@contextmanager
def proxy(upstream: int) -> Iterator[Proxy]:
    """A proxy in a thread of its own."""
    standing = Proxy(upstream)
    threading.Thread(target=standing.serve, name="proxy", daemon=True).start()
    try:
        yield standing
    finally:
        standing.listener.shutdown(socket.SHUT_RDWR)
        standing.listener.close()
