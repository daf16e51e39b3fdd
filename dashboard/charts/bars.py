"""Figures of what is counted whatever its number: failures by cause, checks, the budget."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.base import figure_of, named_rows
from dashboard.theme import ACCENT, BAD, MUTED, WARN, tint

STRIP_PX = 132
CHECK_COLOURS = {
    "ran": tint(ACCENT, "73"),
    "found": ACCENT,
    "late": WARN,
    "over_limit": WARN,
    "missed": BAD,
    "failed": BAD,
    "maintenance": tint(MUTED, "66"),
}
CHECK_LINES = 2
NAMED_LOSSES = 4


def failures(causes: pd.DataFrame) -> go.Figure:
    """Columns: cause, healed, open; at most 6 rows, largest first. Accent healed by itself, red still open."""
    figure = figure_of(barmode="stack", bargap=0.62, margin={"l": 0, "r": 4, "t": 4, "b": 0})
    for column, colour, words in (("healed", ACCENT, "healed by themselves"), ("open", BAD, "still open")):
        figure.add_bar(
            y=causes["cause"],
            x=causes[column],
            orientation="h",
            marker={"color": colour, "line_width": 0},
            hovertemplate="%{y}: %{x} " + words + "<extra></extra>",
        )
    for cause, healed, still in zip(causes["cause"], causes["healed"], causes["open"], strict=True):
        text = f"{healed + still:,}, {still:,} open" if still else f"{healed:,}"
        label = {"showarrow": False, "font": {"size": 12, "color": MUTED}}
        figure.add_annotation(x=healed + still, y=cause, xanchor="left", xshift=6, text=text, **label)
    figure.update_xaxes(range=[0, (causes["healed"] + causes["open"]).max() * 1.5], visible=False)
    return named_rows(figure, max(5, len(causes)))


def checks(marks: pd.DataFrame) -> go.Figure:
    """Columns: at, state, words. The checks of 24 h as two lines of marks, oldest on top."""
    figure = figure_of(barmode="overlay", bargap=0.32, margin={"l": 0, "r": 0, "t": 14, "b": 0}, height=STRIP_PX)
    per_line = max(1, -(-len(marks) // CHECK_LINES))
    for line in range(CHECK_LINES):
        part = marks.iloc[line * per_line : (line + 1) * per_line].reset_index(drop=True)
        if not part.empty:
            _line_of_checks(figure, part, base=CHECK_LINES - 1 - line, width=per_line)
    figure.update_xaxes(visible=False, range=[-0.6, per_line - 0.4], tickformatstops=None)
    return figure.update_yaxes(visible=False, range=[-0.06, CHECK_LINES - 0.2])


def _line_of_checks(figure: go.Figure, part: pd.DataFrame, *, base: int, width: int) -> None:
    figure.add_bar(
        x=list(part.index),
        y=[0.52] * len(part),
        base=[base] * len(part),
        marker={"color": [CHECK_COLOURS[state] for state in part["state"]], "line_width": 0},
        customdata=part["words"],
        hovertemplate="%{customdata}<extra></extra>",
    )
    text = {"yanchor": "bottom", "showarrow": False, "font": {"size": 11, "color": MUTED}}
    first, last = part["at"].iloc[0], part["at"].iloc[-1]
    figure.add_annotation(x=-0.5, y=base + 0.54, xanchor="left", text=f"{first:%H:%M}", **text)
    figure.add_annotation(x=width - 0.5, y=base + 0.54, xanchor="right", text=f"{last:%H:%M}", **text)


def budget(steps: pd.DataFrame, *, start: pd.Timestamp, end: pd.Timestamp) -> go.Figure:
    """Columns: at, shop, left (whole shops; below 0 is overspent); the first row is the beginning."""
    figure = figure_of(margin={"l": 0, "r": 8, "t": 8, "b": 0})
    overspent = int(steps["left"].iloc[-1]) < 0
    colour = BAD if overspent else ACCENT
    figure.add_scatter(
        x=[*steps["at"], end],
        y=[*steps["left"], steps["left"].iloc[-1]],
        mode="lines",
        line={"color": colour, "width": 1.75, "shape": "hv"},
        fill="tozeroy",
        fillcolor=tint(colour, "14"),
        hovertemplate="%{y} left<extra>%{x|%-d %b}</extra>",
    )
    losses = steps.iloc[1:]
    if len(losses) <= NAMED_LOSSES:
        _name_the_losses(figure, losses, start, end)
    top, low = int(max(steps["left"].max(), 1)), int(min(steps["left"].min(), 0))
    step = max(1, -(-(top - low) // 4))
    figure.update_yaxes(range=[low - 0.15, top + 0.35], tickvals=list(range(low, top + 1, step)), nticks=None)
    return figure.update_xaxes(range=[start, end])


def _name_the_losses(figure: go.Figure, losses: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> None:
    for at, shop, left in zip(losses["at"], losses["shop"], losses["left"], strict=True):
        late = (at - start) / (end - start) > 0.7
        side = {"xanchor": "right", "xshift": -6} if late else {"xanchor": "left", "xshift": 6}
        font = {"size": 11, "color": MUTED}
        figure.add_annotation(x=at, y=left + 1, text=shop, showarrow=False, font=font, yanchor="top", **side)
