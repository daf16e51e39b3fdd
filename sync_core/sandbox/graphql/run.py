"""One request: find its plan, price it, run it, and say what it really cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    parse,
    validate,
)
from graphql.execution.values import get_argument_values, get_variable_values

from sync_core.sandbox.graphql.pages import page_size
from sync_core.sandbox.graphql.plan import Compiler, Plan
from sync_core.sandbox.graphql.problems import Refusal, from_validation, problem
from sync_core.sandbox.graphql.schema import SERVES_AS_WELL, load_schema
from sync_core.sandbox.moments import Clock
from sync_core.sandbox.rows import Ref, gid
from sync_core.sandbox.shops import Shop
from sync_core.sandbox.subscriptions import Subscriptions
from sync_core.sandbox.table import Row

if TYPE_CHECKING:
    from sync_core.sandbox.bulk import Bulk


@lru_cache(maxsize=256)
def parse_document(text: str) -> DocumentNode:
    """A document parsed and validated. Raises Refusal with Shopify's errors."""
    try:
        document = parse(text)
    except GraphQLError as error:
        raise Refusal([from_validation(error)]) from None
    if errors := validate(load_schema(), document):
        raise Refusal([from_validation(error) for error in errors])
    return document


def find_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation to run. Raises Refusal when it is not clear which."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    named = [node for node in operations if node.name and node.name.value == name]
    if name and not named:
        raise Refusal([problem(f'No operation named "{name}"', "BAD_REQUEST")])
    if not name and len(operations) != 1:
        raise Refusal([problem("An operation name is required", "BAD_REQUEST")])
    return (named or operations)[0]


def operation_name(text: str, name: str | None) -> str:
    """The name a log line or a fault knows the request by, also for a document that is refused later."""
    if name:
        return name
    words = text.split("{", 1)[0].replace("(", " ").split()
    return words[1] if len(words) > 1 and words[0] in ("query", "mutation") else "anonymous"


_plans: dict[tuple[int, str, str], Plan] = {}


def find_plan(text: str, operation: OperationDefinitionNode, document: DocumentNode, variables: dict[str, Any]) -> Plan:
    """The compiled operation; one per document and per values of variables that @skip and @include read."""
    switches = {name: value for name, value in variables.items() if isinstance(value, bool)}
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    key = (len(text), digest + (operation.name.value if operation.name else ""), json.dumps(switches, sort_keys=True))
    if key not in _plans:
        if len(_plans) > 1_000:
            _plans.clear()
        _plans[key] = Compiler(load_schema(), document, variables).plan(operation)
    return _plans[key]


class Run:
    """What the getters of a plan need: the shop, the token's rights, the arguments, and counters."""

    def __init__(
        self,
        shop: Shop,
        *,
        scopes: frozenset[str],
        plan: Plan,
        variables: dict[str, Any],
        subscriptions: Subscriptions,
        clock: Clock,
        bulk: Bulk,
    ) -> None:
        self.shop: Shop = shop
        self.scopes: frozenset[str] = scopes
        self.plan, self.variables, self.clock = plan, variables, clock
        self.subscriptions: Subscriptions = subscriptions
        self.bulk: Bulk = bulk
        self.errors: list[dict[str, Any]] = []
        self.shut: set[int] = set()
        self._args: dict[int, dict[str, Any]] = {}
        self._sizes: dict[int, list[int]] = {}

    @property
    def protected_level(self) -> int:
        return self.shop.settings.protected_level

    def allowed(self, scope: str) -> bool:
        """A write scope includes the read scope of its kind; some kinds have two scopes that serve."""
        wanted = {scope, SERVES_AS_WELL.get(scope, scope)}
        return any(one in self.scopes or one.replace("read_", "write_", 1) in self.scopes for one in wanted)

    def args(self, slot: int) -> dict[str, Any]:
        """The arguments of a field, read once a run."""
        found = self._args.get(slot)
        if found is None:
            definition, node = self.plan.arguments[slot]
            found = self._args[slot] = get_argument_values(definition, node, self.variables)
        return found

    def count(self, slot: int, rows: int) -> None:
        """Note a page of a connection, for the actual cost."""
        seen = self._sizes.setdefault(slot, [0, 0])
        seen[0] += 1
        seen[1] += rows

    def follow(self, ref: Ref) -> Row | None:
        return self.shop.table(ref.kind).get(ref.number)

    def stub(self, ref: Ref) -> Row | None:
        """Only the ids of a row, when it is still there."""
        if not self.shop.table(ref.kind).has(ref.number):
            return None
        return {"id": gid(ref.kind, ref.number), "legacyResourceId": str(ref.number), "__typename": ref.kind}

    def requested_points(self) -> int:
        """What the query may cost at most. Raises Refusal for a page size that is not allowed."""
        return self.plan.price.points(lambda slot: page_size(self.args(slot)))

    def actual_points(self) -> int:
        """The same law on the mean size of the pages that were returned."""
        sizes = {slot: -(-rows // pages) for slot, (pages, rows) in self._sizes.items()}
        return self.plan.price.points(lambda slot: sizes.get(slot, 0))

    def rows_served(self) -> int:
        """Rows of all connections in this answer."""
        return sum(rows for _, rows in self._sizes.values())

    def first_page(self) -> dict[str, Any]:
        """Page size and cursor of the outermost connection, for the log."""
        if not self.plan.price.pages:
            return {"first": None, "after": None}
        args = self.args(self.plan.price.pages[0][0])
        return {"first": args.get("first"), "after": args.get("after")}

    def data(self) -> dict[str, Any] | None:
        """The answer's data; its errors are in `errors`. None when a required root field is denied."""
        refused = [(guard, error) for guard in self.plan.guards if (error := guard.error(self)) is not None]
        self.shut = {guard.slot for guard, _ in refused}
        found = cast(dict[str, Any], self.plan.project({}, self))
        for guard, error in refused:
            self.errors += [{**error, "path": path} for path in _places(found, guard.path)]
        return None if any(guard.required for guard, _ in refused) else found


def _places(value: Any, path: tuple[str, ...], at: tuple[str | int, ...] = ()) -> Iterator[list[str | int]]:
    """Every place in an answer that a path without list positions means."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, path, (*at, index))
    elif not path:
        yield list(at)
    elif value is not None:
        yield from _places(value.get(path[0]), path[1:], (*at, path[0]))


def prepare(text: str, name: str | None, given: dict[str, Any]) -> tuple[Plan, dict[str, Any]]:
    """A document's plan and its variables, coerced. Raises Refusal."""
    document = parse_document(text)
    operation = find_operation(document, name)
    variables = get_variable_values(load_schema(), list(operation.variable_definitions or ()), given)
    if isinstance(variables, list):
        raise Refusal([problem(error.message, "INVALID_VARIABLE") for error in variables])
    return find_plan(text, operation, document, variables), variables
