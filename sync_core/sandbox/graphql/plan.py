"""A document compiled once into functions over plain dicts, and run for each request.

graphql-core parses, validates and reads arguments; its own executor is not used, as it needs seconds for what this
does in milliseconds (250 products with 5 variants a page).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_non_null_type,
)
from graphql.execution.values import get_directive_values

from sync_core.sandbox.graphql.pages import Page, child_page
from sync_core.sandbox.graphql.price import FREE, MUTATION_POINTS, Price
from sync_core.sandbox.graphql.problems import access_denied, not_approved
from sync_core.sandbox.graphql.roots import OF_ROWS, RESOLVERS, Resolver
from sync_core.sandbox.graphql.schema import COUNT_SCOPES, DENIED_WHOLE, PROTECTED_FIELDS, PROTECTED_OBJECTS, SCOPES
from sync_core.sandbox.rows import Ref

if TYPE_CHECKING:
    from sync_core.sandbox.graphql.run import Run

Getter = Callable[[Any, "Run"], Any]
Project = Callable[[Any, "Run"], Any]
Path = tuple[str, ...]
Sets = list[SelectionSetNode]
STUB = {"id", "legacyResourceId", "__typename"}


@dataclass(frozen=True)
class Guard:
    """A field that some tokens may not read."""

    slot: int
    path: Path
    name: str
    scope: str | None
    object_name: str | None
    protected_field: bool
    required: bool

    def error(self, run: Run) -> dict[str, Any] | None:
        """Why this run may not read it; None when it may."""
        if self.scope and not run.allowed(self.scope):
            return access_denied(self.name, self.scope, self.path)
        if self.object_name and run.protected_level < 1:
            return not_approved(f"access the {self.object_name} object", self.path)
        if self.protected_field and run.protected_level < 2:
            return not_approved(f"use the {self.name} field", self.path)
        return None


@dataclass
class Plan:
    """One operation, ready to run."""

    name: str
    project: Project
    price: Price
    guards: list[Guard] = field(default_factory=list)
    arguments: dict[int, tuple[GraphQLField, FieldNode]] = field(default_factory=dict)


class Compiler:
    """Compiles one operation; slots number the fields that have arguments or guards."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]) -> None:
        self.schema, self.variables = schema, variables
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.guards: list[Guard] = []
        self.arguments: dict[int, tuple[GraphQLField, FieldNode]] = {}
        self.slots = 0

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        root = cast(GraphQLObjectType, self.schema.get_root_type(operation.operation))
        project, price = self.object(root, [operation.selection_set], ())
        return Plan(operation.name.value if operation.name else "", project, price, self.guards, self.arguments)

    def object(self, kind: GraphQLObjectType, sets: Sets, path: Path) -> tuple[Project, Price]:
        """A function row → dict with the keys in the order of the document."""
        price, getters = Price(), []
        for key, nodes in self.collect(kind, sets).items():
            getter, cost = self.field(kind, nodes, (*path, key))
            getters.append((key, getter))
            price.add(cost)
        return projector(getters), price

    def collect(self, kind: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields selected on a concrete type, by response key (GraphQL's CollectFields)."""
        found: dict[str, list[FieldNode]] = {}
        for node in (node for group in sets for node in group.selections):
            if not self.wanted(node.directives):
                continue
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            inner = self.fragment(node, kind)
            for key, nodes in self.collect(kind, [inner] if inner else []).items():
                found.setdefault(key, []).extend(nodes)
        return found

    def wanted(self, directives: tuple[DirectiveNode, ...]) -> bool:
        holder = FieldNode(directives=directives)
        skip = get_directive_values(GraphQLSkipDirective, holder, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, holder, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def fragment(self, node: Any, kind: GraphQLObjectType) -> SelectionSetNode | None:
        """A fragment's selections when it applies to this type."""
        source = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        condition = cast(InlineFragmentNode, source).type_condition
        if condition is None or condition.name.value == kind.name:
            return cast(SelectionSetNode, source.selection_set)
        named = self.schema.type_map[condition.name.value]
        applies = is_abstract_type(named) and self.schema.is_sub_type(cast(GraphQLInterfaceType, named), kind)
        return cast(SelectionSetNode, source.selection_set) if applies else None

    def field(self, parent: GraphQLObjectType, nodes: list[FieldNode], path: Path) -> tuple[Getter, Price]:
        name = nodes[0].name.value
        if name == "__typename":
            return _constant(parent.name), Price()
        definition = parent.fields[name]
        named = get_named_type(definition.type)
        slot = self.slot()
        getter = self.source(parent, nodes[0], slot)
        price = Price()
        if is_composite_type(named):
            getter, price = self.composite(parent, nodes, path, getter=getter, slot=slot)
        return self.guarded(parent, nodes[0], path, getter=getter, slot=slot), price

    def slot(self) -> int:
        self.slots += 1
        return self.slots

    def source(self, parent: GraphQLObjectType, node: FieldNode, slot: int) -> Getter:
        """Where the value comes from: a resolver, or the row itself."""
        name = node.name.value
        resolver, of_row = RESOLVERS.get((parent.name, name)), OF_ROWS.get((parent.name, name))
        if resolver is None and of_row is None:
            return Leaf(name)
        self.read_arguments(parent, node, slot)
        if of_row is not None:
            return lambda row, run: of_row(row, run, run.args(slot))
        return lambda _row, run: cast(Resolver, resolver)(run, run.args(slot))

    def read_arguments(self, parent: GraphQLObjectType, node: FieldNode, slot: int) -> None:
        self.arguments[slot] = (parent.fields[node.name.value], node)

    def composite(
        self, parent: GraphQLObjectType, nodes: list[FieldNode], path: Path, *, getter: Getter, slot: int
    ) -> tuple[Getter, Price]:
        named = get_named_type(parent.fields[nodes[0].name.value].type)
        sets = [node.selection_set for node in nodes if node.selection_set]
        if named.name.endswith("Connection"):
            self.read_arguments(parent, nodes[0], slot)
            return self.connection(cast(GraphQLObjectType, named), sets, path, getter=getter, slot=slot)
        project, inner = self.value(named, sets, path)
        price = Price(1)
        price.add(inner)
        if parent is self.schema.mutation_type:
            price = Price(MUTATION_POINTS)
        if nodes[0].name.value in FREE:
            price = Price()
        wanted = {node.name.value for group in sets for node in group.selections if isinstance(node, FieldNode)}
        stub = wanted <= STUB and all(isinstance(node, FieldNode) for group in sets for node in group.selections)
        return _following(getter, project, stub), price

    def value(self, named: Any, sets: Sets, path: Path) -> tuple[Project, Price]:
        """A projector for an object type, or one that looks at __typename for an interface."""
        if not is_abstract_type(named):
            return self.object(named, sets, path)
        made = {kind.name: self.object(kind, sets, path) for kind in self.schema.get_possible_types(named)}
        projects = {name: project for name, (project, _) in made.items()}
        price = Price(either=[[cost for _, cost in made.values()]])
        return lambda row, run: projects[row["__typename"]](row, run), price

    def connection(
        self, named: GraphQLObjectType, sets: Sets, path: Path, *, getter: Getter, slot: int
    ) -> tuple[Getter, Price]:
        child, getters = Price(), []
        for key, nodes in self.collect(named, sets).items():
            part, cost = self.part(named, nodes, (*path, key))
            getters.append((key, part))
            child.add(cost)

        def get(row: Any, run: Run) -> dict[str, Any]:
            value = getter(row, run)
            page = value if isinstance(value, Page) else child_page(value, run.args(slot))
            run.count(slot, len(page.rows))
            return {key: part(page, run) for key, part in getters}

        return get, Price(pages=[(slot, child)])

    def part(self, named: GraphQLObjectType, nodes: list[FieldNode], path: Path) -> tuple[Getter, Price]:
        """nodes, edges or pageInfo of a connection."""
        name = nodes[0].name.value
        sets = [node.selection_set for node in nodes if node.selection_set]
        if name == "__typename":
            return _constant(named.name), Price()
        inner = get_named_type(named.fields[name].type)
        if name == "nodes":
            project, price = self.value(inner, sets, path)
            price.fixed += 1
            return lambda page, run: [project(row, run) for row in page.rows], price
        if name == "edges":
            return self.edges(cast(GraphQLObjectType, inner), sets, path)
        project, _ = self.object(cast(GraphQLObjectType, inner), sets, path)
        return lambda page, run: project(_page_info(page), run), Price()

    def edges(self, kind: GraphQLObjectType, sets: Sets, path: Path) -> tuple[Getter, Price]:
        price, getters = Price(), []
        for key, nodes in self.collect(kind, sets).items():
            name = nodes[0].name.value
            if name == "node":
                inner = [node.selection_set for node in nodes if node.selection_set]
                project, cost = self.value(get_named_type(kind.fields["node"].type), inner, (*path, key))
                cost.fixed += 1
                price.add(cost)
                getters.append((key, _edge_node(project)))
            else:
                getters.append((key, _edge_cursor if name == "cursor" else _constant(kind.name)))

        def get(page: Page, run: Run) -> list[dict[str, Any]]:
            return [{key: part((page, at), run) for key, part in getters} for at in range(len(page.rows))]

        return get, price

    def guarded(self, parent: GraphQLObjectType, node: FieldNode, path: Path, *, getter: Getter, slot: int) -> Getter:
        """The getter, answering null when the run's guard for this slot is shut."""
        name, field_type = node.name.value, parent.fields[node.name.value].type
        named, at_root = get_named_type(field_type).name, parent is self.schema.query_type
        required = is_non_null_type(field_type)
        reachable = at_root or not required or (parent.name, name) in DENIED_WHOLE
        scope = COUNT_SCOPES.get(name) if at_root else None
        guard = Guard(
            slot,
            path,
            name,
            scope=scope or (SCOPES.get(named) if reachable else None),
            object_name=PROTECTED_OBJECTS.get(named) if reachable else None,
            protected_field=(parent.name, name) in PROTECTED_FIELDS,
            required=required,
        )
        if not (guard.scope or guard.object_name or guard.protected_field):
            return getter
        self.guards.append(guard)
        return lambda row, run: None if slot in run.shut else getter(row, run)


class Leaf:
    """A getter that takes the row's value as it is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, row: Any, run: Run) -> Any:
        return row[self.name]


def projector(getters: list[tuple[str, Getter]]) -> Project:
    """A function row → dict with these keys."""
    leaves = [getter.name for _, getter in getters if isinstance(getter, Leaf)]
    if len(leaves) < 2:
        return lambda row, run: {key: getter(row, run) for key, getter in getters}
    keys = [key for key, _ in getters]
    others = [(key, getter) for key, getter in getters if not isinstance(getter, Leaf)]
    # All leaves in one C call; the other keys get a first leaf's value so that they keep the document's order.
    take = itemgetter(*(getter.name if isinstance(getter, Leaf) else leaves[0] for _, getter in getters))

    def project(row: Any, run: Run) -> dict[str, Any]:
        found = dict(zip(keys, take(row), strict=True))
        for key, getter in others:
            found[key] = getter(row, run)
        return found

    return project


def _constant(value: str) -> Getter:
    return lambda _row, _run: value


def _following(getter: Getter, project: Project, stub: bool) -> Getter:
    """Projects an object, each of a list, or the row a Ref points to."""

    def one(value: Any, run: Run) -> Any:
        if isinstance(value, Ref):
            value = run.stub(value) if stub else run.follow(value)
        return None if value is None else project(value, run)

    def get(row: Any, run: Run) -> Any:
        value = getter(row, run)
        if type(value) is dict:
            return project(value, run)
        return one(value, run) if value is None or isinstance(value, Ref) else [one(item, run) for item in value]

    return get


def _page_info(page: Page) -> dict[str, Any]:
    return {
        "hasNextPage": page.has_next,
        "hasPreviousPage": page.has_previous,
        "startCursor": page.cursor(0) if page.rows else None,
        "endCursor": page.cursor(len(page.rows) - 1) if page.rows else None,
    }


def _edge_node(project: Project) -> Getter:
    return lambda edge, run: project(edge[0].rows[edge[1]], run)


def _edge_cursor(edge: Any, _: Run) -> str:
    return cast(Page, edge[0]).cursor(edge[1])
