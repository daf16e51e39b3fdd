"""Ways of failing, switched on for a shop by a test or the demo."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any

from sync_core.sandbox.config import BadOption

STATUSES = {400, 401, 402, 403, 404, 409, 423, 429, 430, 500, 502, 503, 504, 520, 530, 540}
WORDS = {"reset", "lost", "slow", "half", "badjson", "throttled", "maxcost", "inactive", "internal", "denied"}
BULK_WORDS = {"failed", "canceled", "expired", "lossy", "short"}
ASIDE = ("oauth", "bulk_run", "bulk_file")
"""Operations that only a fault which names them spoils."""


@dataclass(kw_only=True)
class Fault:
    """One way of failing.

    kind: an HTTP status as text, or a word: reset (closed without an answer), lost (done, then closed
    without an answer), slow (`seconds` late, then served),
    half (half a body), badjson, throttled, maxcost, inactive (SHOP_INACTIVE), internal (INTERNAL_SERVER_ERROR in
    a 200), denied (ACCESS_DENIED on root field `field`). `times` None: until removed. `after`: so many matching
    requests are served first. `operation`: a regular expression the operation's name must contain; without it only
    GraphQL requests match; "oauth" matches the token endpoint, "bulk_file" the download of a bulk file (there also
    short: a file without its end), "bulk_run" an operation's run: it ends failed (`message` its errorCode, its
    partial data there after `seconds`), canceled or expired after `objects` objects, or lossy: completed and counted,
    but its file has only so many.
    """

    kind: str
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    operation: str | None = None
    seconds: float = 0.0
    retry_after: float | None = None
    objects: int = 0
    field: str | None = None
    message: str | None = None
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        self.kind = str(self.kind).lower()
        if self.kind not in WORDS | BULK_WORDS and not (self.kind.isdecimal() and int(self.kind) in STATUSES):
            known = ", ".join([*sorted(WORDS | BULK_WORDS), *map(str, sorted(STATUSES))])
            raise BadOption(f"fault kind is {self.kind!r}; expected one of {known}")
        if self.kind == "denied" and not self.field:
            raise BadOption("fault denied needs `field`, a root field such as orders")

    @property
    def spent(self) -> bool:
        return self.times is not None and self.fired >= self.times

    def fires(self, operation: str, chance: Random) -> bool:
        """Whether this request fails; counts it."""
        if self.spent or not self._matches(operation):
            return False
        self.seen += 1
        if self.seen <= self.after or chance.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def _matches(self, operation: str) -> bool:
        if self.operation is None:
            return operation not in ASIDE
        return re.search(self.operation, operation) is not None


class Faults:
    """The faults of one shop, in the order they were set; the first that fires wins."""

    def __init__(self, seed: int) -> None:
        self.active: list[Fault] = []
        self._chance = Random(seed)

    def put(self, items: list[dict[str, Any]]) -> None:
        """Replace all faults. Raises BadOption."""
        self.active = [_fault(item) for item in items]

    def pick(self, operation: str) -> Fault | None:
        for fault in self.active:
            if fault.fires(operation, self._chance):
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self.active]


def _fault(item: dict[str, Any]) -> Fault:
    known = {field.name for field in fields(Fault)}
    if "kind" not in item or item.keys() - known:
        raise BadOption(f"a fault is {sorted(item)}; expected kind and any of {sorted(known)}")
    return Fault(**item)
