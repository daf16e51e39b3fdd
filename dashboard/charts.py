"""Every figure: frame in, plotly figure out; no streamlit here.

Times in the frames are wall times of the viewer's zone, without zone (plotly draws what it is given).
Colours are theme's placeholders. Accent is data, red is bad, amber is late, grey is undecided.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

import pandas as pd
import plotly.graph_objects as go

from dashboard.theme import ACCENT, BAD, MUTED, SECOND, TRACK, WARN, tint

HEIGHT_PX = 196
STRIP_PX = 132
FEW = 200
"""Under so many installs each is a dot: a rate of so few would draw noise."""

TARGET_MINUTES = 5
PLOT_CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "responsive": True}
DASHED = {"color": MUTED, "width": 1, "dash": "4px,3px"}
DAY_TICKS = [{"dtickrange": [None, None], "value": "%-d %b"}]
MINUTE_TICKS = {0.25: "15 s", 1: "1 min", 5: "5 min", 30: "30 min", 120: "2 h", 1440: "1 day"}
CHECK_COLOURS = {
    "ran": tint(ACCENT, "73"),
    "found": ACCENT,
    "late": WARN,
    "over_limit": WARN,
    "missed": BAD,
    "failed": BAD,
}
CHECK_LINES = 2


@dataclass(frozen=True)
class DotWords:
    """What a good, a bad and a not yet judged dot mean when pointed at."""

    good: str
    bad: str
    young: str = "not judged yet"


def _figure(**layout: object) -> go.Figure:
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


def _named_rows(figure: go.Figure, count: int) -> go.Figure:
    """Rows from the top; few rows leave room below instead of growing thick."""
    return figure.update_yaxes(range=[count - 0.5, -0.5], showgrid=False, nticks=None, ticklabelstandoff=8)


def _fit(figure: go.Figure, at: pd.Series[pd.Timestamp], *, least: pd.Timedelta) -> None:
    """The time axis ends where the data does, with a little air."""
    air = max((at.max() - at.min()) * 0.02, least)
    figure.update_xaxes(range=[at.min() - air, at.max() + air])


def _in_margin(figure: go.Figure, y: float, text: str, *, log: bool = False, yanchor: str = "middle") -> None:
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


def failures(causes: pd.DataFrame) -> go.Figure:
    """Columns: cause, healed, open; at most 6 rows, largest first. Accent healed by itself, red still open."""
    figure = _figure(barmode="stack", bargap=0.62, margin={"l": 0, "r": 4, "t": 4, "b": 0})
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
    return _named_rows(figure, max(5, len(causes)))


def time_to_sync(installs: pd.DataFrame) -> go.Figure:
    """Columns: at, minutes (finished ones only), shop. Few: a dot each; many: p50 and p95 of every third day."""
    figure = _figure(margin={"l": 0, "r": 82, "t": 8, "b": 0})
    slowest = max(float(installs["minutes"].max()), 30.0)
    ticks = {minutes: text for minutes, text in MINUTE_TICKS.items() if minutes <= slowest * 1.2}
    quickest = min(float(installs["minutes"].min()), 0.25)
    figure.update_yaxes(type="log", range=[log10(quickest) - 0.12, log10(slowest) + 0.12])
    figure.update_yaxes(tickvals=list(ticks), ticktext=list(ticks.values()))
    figure.add_hline(y=TARGET_MINUTES, line=DASHED)
    _fit(figure, installs["at"], least=pd.Timedelta(hours=1))
    return _time_dots(figure, installs) if len(installs) < FEW else _time_lines(figure, installs)


def _time_dots(figure: go.Figure, done: pd.DataFrame) -> go.Figure:
    slow = done["minutes"] > TARGET_MINUTES
    for part, colour in ((done[~slow], ACCENT), (done[slow], WARN)):
        figure.add_scatter(
            x=part["at"],
            y=part["minutes"],
            mode="markers",
            customdata=part["shop"],
            marker={"color": colour, "size": 7, "opacity": 0.6, "line_width": 0},
            hovertemplate="%{customdata}: %{y:.1f} min<extra>%{x|%-d %b %H:%M}</extra>",
        )
    for share, name, colour in ((0.5, "p50", ACCENT), (0.95, "p95", SECOND)):
        if share == 0.5 or len(done) >= 20:
            minutes = float(done["minutes"].quantile(share))
            figure.add_hline(y=minutes, line={"color": colour, "width": 1.25})
            _in_margin(figure, minutes, f"{name} {minutes:.1f} min", log=True)
    return figure


def _time_lines(figure: go.Figure, done: pd.DataFrame) -> go.Figure:
    span = done["at"].max() - done["at"].min()
    rule = "3h" if span <= pd.Timedelta(days=2) else "1D" if span <= pd.Timedelta(days=31) else "3D"
    every = done.set_index("at")["minutes"].resample(rule).quantile([0.5, 0.95]).unstack().dropna()
    for share, name, colour, width, side in ((0.95, "p95", SECOND, 1.5, "bottom"), (0.5, "p50", ACCENT, 1.75, "top")):
        figure.add_scatter(
            x=every.index,
            y=every[share],
            mode="lines",
            line={"color": colour, "width": width},
            name=name,
            hovertemplate=name + " %{y:.1f} min<extra>%{x|%-d %b %H:%M}</extra>",
        )
        last = float(every[share].iloc[-1])
        _in_margin(figure, last, f"{name} {last:.1f} min", log=True, yanchor=side)
    return figure


def by_path(installs: pd.DataFrame) -> go.Figure:
    """Columns: path (words, in the order to draw), minutes. From p50 to p95 for each way of being started."""
    figure = _figure(margin={"l": 0, "r": 4, "t": 4, "b": 0})
    ends = [_path_row(figure, str(path), part["minutes"]) for path, part in installs.groupby("path", sort=False)]
    figure.add_vline(x=TARGET_MINUTES, line=DASHED)
    longest = max([*ends, 8.0])
    every = next(step for step in (5, 10, 30, 60, 240, 1440) if longest / step <= 4)
    marks = [every * nth for nth in range(floor(longest / every) + 1)]
    words = [str(mark) if mark == 0 else f"{mark} min" for mark in marks]
    figure.update_xaxes(range=[0, longest * 1.45], tickvals=marks, ticktext=words, tickformatstops=None)
    return _named_rows(figure, max(4, len(ends)))


def _path_row(figure: go.Figure, path: str, minutes: pd.Series[float]) -> float:
    name = f"{path} · {len(minutes):,}"
    if len(minutes) < 5:
        label, values = " · ".join(f"{each:.1f}" for each in sorted(minutes)), sorted(minutes)
        _path_dots(figure, name, values, ACCENT, "%{x:.1f} min")
    else:
        values = [float(minutes.quantile(share)) for share in (0.5, 0.95)]
        label = f"{values[0]:.1f} to {values[1]:.1f}"
        line = {"color": TRACK, "width": 5}
        figure.add_scatter(x=values, y=[name] * 2, mode="lines", line=line, hoverinfo="skip")
        _path_dots(figure, name, values[:1], ACCENT, "half within %{x:.1f} min")
        _path_dots(figure, name, values[1:], SECOND, "95 % within %{x:.1f} min")
    text = {"showarrow": False, "font": {"size": 12, "color": MUTED}}
    figure.add_annotation(xref="paper", x=1, y=name, xanchor="right", text=label, **text)
    return float(max(values))


def _path_dots(figure: go.Figure, name: str, minutes: list[float], colour: str, words: str) -> None:
    marker = {"color": colour, "size": 9}
    at = [name] * len(minutes)
    figure.add_scatter(x=minutes, y=at, mode="markers", marker=marker, hovertemplate=words + "<extra></extra>")


def by_day(installs: pd.DataFrame, words: DotWords, *, target: float) -> go.Figure:
    """Columns: at, shop, kind (good, bad, young). Few: a dot each, stacked on its day, bad ones named; many: a rate.

    `target`: a share, drawn beside the rate.
    """
    return _dots(installs, words) if len(installs) < FEW else _rate(installs, target)


def _dots(installs: pd.DataFrame, words: DotWords) -> go.Figure:
    figure = _figure()
    _fit(figure, installs["at"].dt.normalize(), least=pd.Timedelta(hours=14))
    frame = installs.assign(day=installs["at"].dt.normalize(), bad=installs["kind"] == "bad")
    frame = frame.sort_values(["day", "bad"])
    frame["nth"] = frame.groupby("day").cumcount() + 1
    top = max(3, int(frame["nth"].max()))
    markers = {
        "good": ({"color": ACCENT, "size": 7, "opacity": 0.75}, words.good),
        "bad": ({"color": BAD, "size": 9}, words.bad),
        "young": ({"color": MUTED, "size": 7, "symbol": "circle-open"}, words.young),
    }
    for kind, (marker, meaning) in markers.items():
        part = frame[frame["kind"] == kind]
        hover = "%{customdata}: " + meaning + "<extra>%{x|%-d %b}</extra>"
        at = {"x": part["day"], "y": part["nth"], "customdata": part["shop"]}
        figure.add_scatter(mode="markers", marker=marker, hovertemplate=hover, **at)
    _name_the_bad(figure, frame[frame["bad"]], top)
    ticks = sorted({1, top // 2, top} if top > 4 else {1, top})
    return figure.update_yaxes(range=[0.2, top + 2.4], tickvals=ticks)


def _name_the_bad(figure: go.Figure, bad: pd.DataFrame, top: int) -> None:
    """Names above the day; days with several, and more than five names, say only how many."""
    for day, part in bad.groupby("day"):
        line = {"color": BAD, "width": 1, "dash": "1px,2px"}
        reach = [int(part["nth"].max()), top + 0.9]
        figure.add_scatter(x=[day] * 2, y=reach, mode="lines", line=line, hoverinfo="skip")
        named = len(part) == 1 and bad["day"].nunique() <= 5
        text = str(part["shop"].iloc[0]) if named else str(len(part))
        font = {"size": 11, "color": BAD}
        figure.add_annotation(x=day, y=top + 0.9, text=text, showarrow=False, yanchor="bottom", font=font)


def _rate(installs: pd.DataFrame, target: float) -> go.Figure:
    figure = _figure(margin={"l": 0, "r": 44, "t": 8, "b": 0})
    judged = installs[installs["kind"] != "young"].set_index("at")
    span = installs["at"].max() - installs["at"].min()
    rule, words = ("1D", "%{x|%-d %b}") if span <= pd.Timedelta(days=31) else ("7D", "week of %{x|%-d %b}")
    percent = 100 * (judged["kind"] == "good").astype(float).resample(rule).mean().dropna()
    figure.add_scatter(
        x=percent.index,
        y=percent,
        mode="lines",
        line={"color": ACCENT, "width": 1.75},
        hovertemplate="%{y:.1f} %<extra>" + words + "</extra>",
    )
    figure.add_hline(y=100 * target, line=DASHED)
    _in_margin(figure, 100 * target, f"{100 * target:.0f} %")
    low = min(96.0, floor(float(percent.min())) - 1.0)
    middle = round((low + 100) / 2)
    ticks = {"tickvals": [low, middle, 100], "ticktext": [f"{low:.0f} %", f"{middle} %", "100 %"]}
    return figure.update_yaxes(range=[low - 0.2, 100.4], **ticks)


def checks(marks: pd.DataFrame) -> go.Figure:
    """Columns: at, state, words. The checks of 24 h as two lines of marks, oldest on top."""
    figure = _figure(barmode="overlay", bargap=0.32, margin={"l": 0, "r": 0, "t": 14, "b": 0}, height=STRIP_PX)
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
    figure = _figure(margin={"l": 0, "r": 8, "t": 8, "b": 0})
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
    if len(losses) <= 4:
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
