"""A bulk query compiled into a walk: every root, and below it each connection, as flat JSON lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import orjson
from graphql import FieldNode, GraphQLObjectType, get_named_type, is_abstract_type

from sync_core.sandbox.graphql.pages import chosen_rows
from sync_core.sandbox.graphql.plan import Compiler, Path, Plan, Project, Sets, projector
from sync_core.sandbox.graphql.price import Price
from sync_core.sandbox.graphql.problems import Refusal, problem
from sync_core.sandbox.graphql.roots import CONNECTIONS, window
from sync_core.sandbox.graphql.run import find_operation, parse_document
from sync_core.sandbox.graphql.schema import load_schema

if TYPE_CHECKING:
    from sync_core.sandbox.graphql.run import Run
    from sync_core.sandbox.table import Row

MOST_CONNECTIONS, MOST_NESTING = 5, 2


@dataclass
class Level:
    """One connection: what its rows look like, and the connections below them."""

    name: str
    project: Project
    below: list[Level] = field(default_factory=list)

    def connections(self) -> int:
        return 1 + sum(level.connections() for level in self.below)

    def depth(self) -> int:
        return 1 + max((level.depth() for level in self.below), default=0)


@dataclass(frozen=True)
class Walk:
    """A bulk query, ready to run for any shop. `slot` holds the arguments of its root connection."""

    plan: Plan
    root: Level
    kind: str
    slot: int

    def rows(self, run: Run) -> Iterator[Row]:
        """The root rows, in the order that was asked for."""
        return chosen_rows(run.shop.table(self.kind), run.args(self.slot), window(run, self.kind))

    def lines(self, row: Row, run: Run) -> tuple[bytes, list[list[bytes]]]:
        """A root's own line, and the lines below it, a list for each connection."""
        found: list[list[bytes]] = []
        own = self.root.project(row, run)
        for level in self.root.below:
            found += _below(level, row[level.name], own["id"], run)
        return _line(own), found


def _below(level: Level, rows: Iterable[Row], parent: str, run: Run) -> list[list[bytes]]:
    lines, deeper = [], []
    for row in rows:
        own = level.project(row, run) | {"__parentId": parent}
        lines.append(_line(own))
        for inner in level.below:
            deeper += _below(inner, row[inner.name], own["id"], run)
    return [lines, *deeper] if lines else deeper


def _line(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row) + b"\n"


def compile_bulk(text: str) -> Walk:
    """The query as a walk. Raises Refusal with the rule that it breaks."""
    document = parse_document(text)
    compiler = BulkCompiler(load_schema(), document, {})
    found = compiler.walk(find_operation(document, None).selection_set.selections)
    if found.root.connections() > MOST_CONNECTIONS:
        raise _invalid(f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections.")
    if found.root.depth() - 1 > MOST_NESTING:
        raise _invalid(f"Bulk queries cannot contain connections with a nesting depth greater than {MOST_NESTING}.")
    return found


class BulkCompiler(Compiler):
    """Compiles the rows of connections one by one instead of one inside the other."""

    def walk(self, selections: Sequence[Any]) -> Walk:
        """From the one top-level field, which is a connection."""
        if len(selections) != 1 or not isinstance(selections[0], FieldNode):
            raise _invalid("Bulk queries must have one top-level field.")
        node, root = selections[0], cast(GraphQLObjectType, self.schema.query_type)
        name = node.name.value
        if name not in CONNECTIONS:
            raise _invalid("Bulk queries must contain at least one connection.")
        slot = self.slot()
        self.read_arguments(root, node, slot)
        self.guarded(root, node, (name,), getter=lambda _row, _run: None, slot=slot)
        level = self.level(root, [node], ())
        return Walk(Plan("bulk", level.project, Price(), self.guards, self.arguments), level, CONNECTIONS[name], slot)

    def level(self, parent: GraphQLObjectType, nodes: list[FieldNode], path: Path) -> Level:
        name = nodes[0].name.value
        named = get_named_type(parent.fields[name].type)
        kind = get_named_type(get_named_type(cast(GraphQLObjectType, named).fields["edges"].type).fields["node"].type)
        sets = self._node_sets(cast(GraphQLObjectType, named), nodes)
        if is_abstract_type(kind):
            return Level(name, self.value(kind, sets, path)[0])
        return self._rows(name, cast(GraphQLObjectType, kind), sets, (*path, name))

    def _rows(self, name: str, kind: GraphQLObjectType, sets: Sets, path: Path) -> Level:
        getters, below = [], []
        selected = self.collect(kind, sets)
        for key, nodes in selected.items():
            if nodes[0].name.value != "__typename" and _is_connection(kind, nodes[0]):
                below.append(self.level(kind, nodes, path))
            else:
                getters.append((key, self.field(kind, nodes, (*path, key))[0]))
        if below and "id" not in selected:
            message = "The parent 'node' field for a nested connection must select the 'id' field without an alias"
            raise _invalid(f"{message}. Connection fields without 'id': {name}.")
        return Level(name, projector(getters), below)

    def _node_sets(self, named: GraphQLObjectType, nodes: list[FieldNode]) -> Sets:
        """What is selected of each row, by `edges { node { … } }` or `nodes { … }`."""
        chosen = self.collect(named, [node.selection_set for node in nodes if node.selection_set])
        found = list(chosen.get("nodes", []))
        edges = [edge.selection_set for edge in chosen.get("edges", []) if edge.selection_set]
        edge = cast(GraphQLObjectType, get_named_type(named.fields["edges"].type))
        found += self.collect(edge, edges).get("node", [])
        return [node.selection_set for node in found if node.selection_set]


def _is_connection(kind: GraphQLObjectType, node: FieldNode) -> bool:
    return bool(get_named_type(kind.fields[node.name.value].type).name.endswith("Connection"))


def _invalid(message: str) -> Refusal:
    return Refusal([problem(message, "INVALID")])
