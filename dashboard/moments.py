"""Moments as words in the viewer's zone; durations are explain.span's."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from sync_core.explain import Say, span


def zone_of(name: str | None) -> ZoneInfo:
    """The zone with this name; UTC for none, and for a name that this machine does not know."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """14:25:07."""
    return f"{moment.astimezone(zone):%H:%M:%S}"


def when(moment: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """14:25 on the viewer's same day, else 22 Nov, 17:40; with the year when it is another."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%b}{year}, {local:%H:%M}"


def saying(zone: ZoneInfo, *, now: datetime) -> Say:
    """`when`, for the sentences of explain and health."""
    return lambda moment: when(moment, zone, now=now)


def ago(moment: datetime, now: datetime) -> str:
    """4 s ago, 41 min ago."""
    return f"{span((now - moment).total_seconds())} ago"


def zone_name(zone: ZoneInfo, *, now: datetime) -> str:
    """Europe/Stockholm, UTC+01; UTC alone for UTC."""
    if zone.key == "UTC":
        return "UTC"
    offset = f"{now.astimezone(zone):%z}"
    return f"{zone.key}, UTC{offset[:3]}" + (f":{offset[3:]}" if offset[3:] != "00" else "")


def on_the_wall(moments: pd.Series[pd.Timestamp], zone: ZoneInfo) -> pd.Series[pd.Timestamp]:
    """UTC moments as wall times without zone: what plotly draws as it stands."""
    return pd.to_datetime(moments, utc=True).dt.tz_convert(zone.key).dt.tz_localize(None)
