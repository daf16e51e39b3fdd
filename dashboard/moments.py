"""Moments and durations as words: the viewer's zone, 24-hour clock, ages in two units at most."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = 60, 3600, 86_400


def clock(moment: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """14:25, or 14:25:07."""
    return f"{moment.astimezone(zone):{'%H:%M:%S' if seconds else '%H:%M'}}"


def day(moment: datetime, zone: ZoneInfo) -> str:
    """22 Nov."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b}"


def when(moment: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """14:25 on the viewer's same day, else 22 Nov, 17:40; with the year when it is another."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return clock(moment, zone)
    year = "" if local.year == today.year else f" {local.year}"
    return f"{day(moment, zone)}{year}, {clock(moment, zone)}"


def lasting(seconds: float) -> str:
    """A duration in its two largest units: 4 s, 41 min, 6 h 18 min, 3 days 2 h."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return _two(whole // HOUR, "h", whole % HOUR // MINUTE, "min")
    days = whole // DAY
    return _two(days, "day" if days == 1 else "days", whole % DAY // HOUR, "h")


def precisely(seconds: float) -> str:
    """A short duration with its seconds: 42 s, 2 min 06 s; from one hour on as `lasting`."""
    whole = max(0, round(seconds))
    if whole < MINUTE or whole >= HOUR:
        return lasting(whole)
    return f"{whole // MINUTE} min {whole % MINUTE:02d} s"


def ago(moment: datetime, now: datetime) -> str:
    """4 s ago, 41 min ago."""
    return f"{lasting((now - moment).total_seconds())} ago"


def zone_name(zone: ZoneInfo, *, now: datetime) -> str:
    """Europe/Stockholm, UTC+01; UTC alone for UTC."""
    if zone.key == "UTC":
        return "UTC"
    offset = f"{now.astimezone(zone):%z}"
    return f"{zone.key}, UTC{offset[:3]}" + (f":{offset[3:]}" if offset[3:] != "00" else "")


def _two(first: int, unit: str, second: int, small_unit: str) -> str:
    return f"{first} {unit} {second} {small_unit}" if second else f"{first} {unit}"
