"""GET /badge/{objective}.svg: one objective of the last 30 days as a small picture, for a wall or a wiki."""

from __future__ import annotations

from html import escape

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.answers import HEADERS
from dashboard.api.desk import desk_of
from dashboard.api.metrics import SHARES, readings_of, share_of
from dashboard.api.security import require_secret_from_outside
from sync_core.explain import span
from sync_core.health import Objectives
from sync_core.slo import Verdict

NAMES = {
    "sync_success": "Success rate",
    "pick_up": "Pick-up rate",
    "time_to_sync": "Time to sync",
    "sweep_success": "Sweep success",
}
GREY = "#5f6368"
COLOURS = {Verdict.MET: "#2f6f4f", Verdict.BREACHED: "#b3261e", Verdict.UNDECIDED: GREY, Verdict.NO_DATA: GREY}
CHARACTER, PADDING = 6.6, 16
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{said}">\
<title>{said}</title><rect width="{left}" height="20" fill="#3c4043"/>\
<rect x="{left}" width="{right}" height="20" fill="{colour}"/>\
<g fill="#fff" text-anchor="middle" font-family="Inter,Verdana,sans-serif" font-size="11">\
<text x="{first}" y="14">{name}</text><text x="{second}" y="14">{words}</text></g></svg>
"""


def badge(request: Request) -> Response:
    """The picture. Errors: 404 for no objective, 401 from outside without READ_API_TOKEN."""
    require_secret_from_outside(request, "read_api_token")
    objective = request.path_params["objective"]
    if objective not in NAMES:
        raise HTTPException(404, f"objective must be one of {', '.join(NAMES)}")
    month = readings_of(request).spans.get(desk_of(request)).month
    words, verdict = _said(month, objective)
    picture = draw(NAMES[objective], words, COLOURS[verdict])
    policy = {"Content-Security-Policy": "default-src 'none'"}
    return Response(picture, headers=HEADERS | policy, media_type="image/svg+xml")


def draw(name: str, words: str, colour: str) -> str:
    """Two fields, wide enough for what they say."""
    left, right = (round(len(text) * CHARACTER) + PADDING for text in (name, words))
    return PICTURE.format(
        width=left + right,
        left=left,
        right=right,
        first=left / 2,
        second=left + right / 2,
        name=escape(name),
        words=escape(words),
        said=escape(f"{name}: {words}"),
        colour=colour,
    )


def _said(found: Objectives, objective: str) -> tuple[str, Verdict]:
    if objective in SHARES:
        share = share_of(found, objective)
        return (f"{share.k:,} of {share.n:,}" if share.n else "no data"), Verdict(share.verdict)
    times = found.time_to_sync.all
    mean = f"mean {span(times.restricted_mean)} of {times.n:,}" if times.restricted_mean is not None else "no data"
    return mean, Verdict(times.verdict)
