"""Who may import and do what: the rules, each with its reason, and the checker that reads source with `ast`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ("sync_core", "dashboard", "scheduler")
PURE = ("sync_core.states", "sync_core.errors", "sync_core.slo", "sync_core.explain")
JUDGING = ("judge", "mends", "snapshot", "words")

Found = Iterator[tuple[int, str]]
"""(line, what is wrong there)"""


@dataclass(frozen=True)
class Source:
    """One file: its path from the repository's root, and what it says."""

    path: str
    tree: ast.Module

    @classmethod
    def of(cls, path: str, text: str) -> Source:
        return cls(path, ast.parse(text))


@dataclass(frozen=True)
class Rule:
    """A check for the files that `where` matches and `but` does not; `reason` is shown when it fails."""

    where: tuple[str, ...]
    check: Callable[[Source], Found]
    reason: str
    but: tuple[str, ...] = ()

    def violations(self, sources: list[Source]) -> list[str]:
        """One line per violation: file:line what (reason)."""
        return [
            f"{source.path}:{line} {what} ({self.reason})"
            for source in sources
            if _matches(source.path, self.where) and not _matches(source.path, self.but)
            for line, what in self.check(source)
        ]


@cache
def sources() -> list[Source]:
    """Every file of the project that is not a test."""
    found = [ROOT / "scheduler.py", *(ROOT / "sync_core").rglob("*.py"), *(ROOT / "dashboard").rglob("*.py")]
    return [Source.of(path.relative_to(ROOT).as_posix(), path.read_text()) for path in found if path.exists()]


def no_import(*banned: str, allowed: tuple[str, ...] = ()) -> Callable[[Source], Found]:
    """No import of these modules or of anything inside them, but for what is allowed."""

    def check(source: Source) -> Found:
        for line, module in _imports(source):
            if _within(module, banned) and not _within(module, allowed):
                yield line, f"imports {module}"

    return check


def no_call(*banned: str) -> Callable[[Source], Found]:
    """No call of these dotted names."""

    def check(source: Source) -> Found:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in banned:
                yield node.lineno, f"calls {ast.unparse(node.func)}"

    return check


def no_status_written(source: Source) -> Found:
    """No `status=` for a row of ours, no `sync_status` of the app's, in values(), constructors or assignments."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _writes_rows(node):
            yield from ((node.lineno, f"writes {k.arg}") for k in node.keywords if k.arg in ("status", "sync_status"))
        for target in getattr(node, "targets", []):
            if isinstance(target, ast.Attribute) and target.attr == "sync_status":
                yield target.lineno, "writes sync_status"


def own_name(source: Source) -> Found:
    """A file directly in dashboard/ has a name that nothing importable has."""
    name = Path(source.path).stem
    if name != "__init__" and name in _importable():
        yield 1, f"is named like the importable module {name}"


def telling_name(source: Source) -> Found:
    """No part of the path says "miscellaneous"."""
    for part in Path(source.path).with_suffix("").parts:
        if part in ("utils", "helpers", "common", "services", "managers"):
            yield 1, f"is named {part}"


RULES = [
    Rule(
        ("sync_core/states.py",), no_import(*PROJECT), "the words stand below everything else and mean the same to all"
    ),
    Rule(
        ("sync_core/errors.py", "sync_core/slo.py", "sync_core/explain/*"),
        no_import(*PROJECT, allowed=PURE),
        "pure: it is tested without a database and understood without the rest",
    ),
    Rule(
        ("sync_core/shopify/*",),
        no_import(
            *PROJECT,
            "sqlalchemy",
            allowed=("sync_core.shopify", "sync_core.errors", "sync_core.config", "sync_core.states"),
        ),
        "the client of Shopify knows no tables, so that it can be tried alone",
    ),
    Rule(
        ("sync_core/roads/*",),
        no_import("sqlalchemy", "sync_core.db", "sync_core.models", "sync_core.app_models", "sync_core.lifecycle"),
        "a road fetches; what it yields is stored by the run, under the guard",
    ),
    Rule(
        ("sync_core/*", "scheduler.py"),
        no_import("streamlit", "plotly", "dashboard"),
        "syncs run without any page; a worker must not need Streamlit",
        but=("sync_core/cli.py",),
    ),
    Rule(
        ("sync_core/*",),
        no_import("starlette", "uvicorn"),
        "HTTP for programs is the dashboard's; the sandbox is a server of its own",
        but=("sync_core/cli.py", "sync_core/sandbox/*", "sync_core/demo/*"),
    ),
    Rule(("sync_core/*",), no_import("schedule"), "only scheduler.py decides when a job runs"),
    Rule(
        ("sync_core/*",),
        no_import("sync_core.sandbox", "sync_core.demo"),
        "a played Shopify must not reach the program that runs in production",
        but=("sync_core/cli.py", "sync_core/sandbox/*", "sync_core/demo/*"),
    ),
    Rule(
        tuple(f"sync_core/alerts/{name}.py" for name in JUDGING),
        no_import(*PROJECT, "sqlalchemy", allowed=(*PURE, *(f"sync_core.alerts.{name}" for name in JUDGING))),
        "which alerts should be open, and in which words, follows from one snapshot of facts alone",
    ),
    Rule(
        ("sync_core/*", "dashboard/*", "scheduler.py"),
        no_import("apprise"),
        "addresses of channels are secrets: one file handles them, and shows only what may be shown",
        but=("sync_core/alerts/channels.py",),
    ),
    Rule(
        ("dashboard/api/*",), no_import("streamlit"), "the API also runs alone, and its probes must not need the pages"
    ),
    Rule(
        ("dashboard/charts/*", "dashboard/cards/*"),
        no_import("streamlit"),
        "frame to figure, testable without a page",
    ),
    Rule(
        ("dashboard/*",),
        no_import(
            "sqlalchemy.insert",
            "sqlalchemy.update",
            "sqlalchemy.delete",
            "sqlalchemy.dialects",
            "sync_core.db.insert_into",
        ),
        "pages and routes act through the verbs of lifecycle, install, dispatch and alerts, where each rule is kept "
        "once; only the routes that receive keep what they received: a delivery, a one-time state",
        but=("dashboard/api/webhooks.py", "dashboard/api/oauth_state.py"),
    ),
    Rule(
        ("sync_core/health/*", "sync_core/health.py"),
        no_import(
            "sqlalchemy.insert",
            "sqlalchemy.update",
            "sqlalchemy.delete",
            "sync_core.db.insert_into",
            "sync_core.lifecycle",
            "sync_core.store",
        ),
        "a question changes nothing",
    ),
    Rule(
        ("sync_core/*", "dashboard/*", "scheduler.py"),
        no_status_written,
        "only lifecycle changes a status, with its transition in the same transaction",
        but=("sync_core/lifecycle/*", "sync_core/demo/*", "sync_core/sandbox/*"),
    ),
    Rule(
        ("sync_core/*",),
        no_call("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"),
        "time is given by the edges: the database's clock on PostgreSQL, the test's in a test",
        but=("sync_core/cli.py", "sync_core/demo/*"),
    ),
    Rule(
        ("dashboard/*.py",),
        own_name,
        "Streamlit puts dashboard/ first on the path: a queue.py there replaces the standard library's",
        but=("dashboard/*/*",),
    ),
    Rule(("*",), telling_name, "a name says what is inside"),
]


@cache
def _importable() -> frozenset[str]:
    return sys.stdlib_module_names | packages_distributions().keys() - set(PROJECT)


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


def _within(module: str, names: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


def _imports(source: Source) -> Iterator[tuple[int, str]]:
    """Every module that is imported anywhere, `from a import b` as a.b (b may be a module or a name of a)."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*_parents(source.path, node.level), *filter(None, [node.module])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _parents(path: str, level: int) -> list[str]:
    """The package that a relative import of this level starts from."""
    parts = path.split("/")
    return parts[: len(parts) - level] if level else []


def _writes_rows(call: ast.Call) -> bool:
    """values(...), or the constructor of a row that has a status."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    return name in ("values", "ShopSync", "Shop")
