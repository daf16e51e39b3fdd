"""What stands on a page: every text that a viewer reads, wherever Streamlit keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

ATTRIBUTES = ("value", "label", "help", "placeholder", "icon")


def texts(page: AppTest) -> list[str]:
    """Headings, paragraphs, labels, hints, cells of tables, in the order of the page."""
    return [text for node in _nodes(page._tree) for text in dict.fromkeys(_of(node))]


def text(page: AppTest) -> str:
    """All of it as one text, without the marks that tell times and signs apart."""
    return "\n".join(texts(page)).replace("\u2060", "").replace("\u00a0", " ").replace("\\", "")


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from _nodes(child)


def _of(node: Any) -> Iterator[str]:
    for name in ATTRIBUTES:
        try:
            found = getattr(node, name, None)
        except (NotImplementedError, ValueError, KeyError):
            continue  # an element that AppTest knows no such face of
        if isinstance(found, pd.DataFrame):
            yield from (str(cell) for cell in [*found.columns, *found.index, *found.to_numpy().ravel()])
        elif isinstance(found, str):
            yield found
    proto = getattr(node, "proto", None)
    spoken = (getattr(proto, name, None) for name in ("alt", "body", "label"))
    yield from (words for words in spoken if isinstance(words, str))
