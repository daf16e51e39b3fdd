"""What all figures share: their frame, their axes, how a line is named."""

from __future__ import annotations

from math import log10

import pandas as pd
import plotly.graph_objects as go

from dashboard.theme import MUTED, TRACK, tint

HEIGHT_PX = 196
TARGET_MINUTES = 5
PLOT_CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "responsive": True}
DASHED = {"color": MUTED, "width": 1, "dash": "4px,3px"}
DAY_TICKS = [{"dtickrange": [None, None], "value": "%-d %b"}]
MINUTE_TICKS = {0.25: "15 s", 1: "1 min", 5: "5 min", 30: "30 min", 120: "2 h", 1440: "1 day"}


def figure_of(**layout: object) -> go.Figure:
    """An empty figure as all are drawn; `layout` on top."""
    axis = {"zeroline": False, "fixedrange": True, "automargin": True, "tickfont": {"color": MUTED}, "ticks": ""}
    figure = go.Figure()
    figure.update_layout(
        height=HEIGHT_PX,
        margin={"l": 0, "r": 4, "t": 8, "b": 0},
        showlegend=False,
        hovermode="closest",
        font={"size": 12},
        hoverlabel={"namelength": -1},
        bargap=0.3,
        xaxis={**axis, "showgrid": False, "nticks": 6, "tickformatstops": DAY_TICKS},
        yaxis={**axis, "gridcolor": tint(TRACK, "66"), "nticks": 4},
    )
    return figure.update_layout(**layout)


def named_rows(figure: go.Figure, count: int) -> go.Figure:
    """Rows from the top; few rows leave room below instead of growing thick."""
    return figure.update_yaxes(range=[count - 0.5, -0.5], showgrid=False, nticks=None, ticklabelstandoff=8)


def fit(figure: go.Figure, at: pd.Series[pd.Timestamp], *, least: pd.Timedelta) -> None:
    """The time axis ends where the data does, with a little air."""
    air = max((at.max() - at.min()) * 0.02, least)
    figure.update_xaxes(range=[at.min() - air, at.max() + air])


def in_margin(figure: go.Figure, y: float, text: str, *, log: bool = False, yanchor: str = "middle") -> None:
    """A line's name in the right margin: nothing is written over data."""
    figure.add_annotation(
        xref="paper",
        x=1,
        xanchor="left",
        xshift=6,
        y=log10(y) if log else y,
        yanchor=yanchor,
        text=text,
        showarrow=False,
        font={"size": 11, "color": MUTED},
    )


def minute_axis(figure: go.Figure, *, least: float, most: float) -> go.Figure:
    """A logarithmic axis of minutes from `least` to `most`, with the target as a dashed line."""
    slowest, quickest = max(most, 30.0), min(least, 0.25)
    ticks = {minutes: text for minutes, text in MINUTE_TICKS.items() if minutes <= slowest * 1.2}
    figure.update_yaxes(type="log", range=[log10(quickest) - 0.12, log10(slowest) + 0.12])
    figure.update_yaxes(tickvals=list(ticks), ticktext=list(ticks.values()))
    return figure.add_hline(y=TARGET_MINUTES, line=DASHED)
