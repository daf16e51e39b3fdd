"""GET /api/cron/sync-pending: one sweep now, for any cron."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dashboard.api.answers import answer
from dashboard.api.desk import desk_of
from dashboard.api.security import require_secret
from sync_core import sweep
from sync_core.lifecycle import Answer

REQUESTED = (Answer.OPENED, Answer.JOINED, Answer.RUNNING)


def sweep_now(request: Request) -> Response:
    """One tick of the safety net, the same that the scheduler runs. Errors: 401; 500 when it could not run."""
    require_secret(request, "cron_secret")
    desk = desk_of(request)
    report = sweep.tick(desk.database, by="cron", settings=desk.settings, vault=desk.vault)
    results = [_result(domain, came) for domain, came in report.shops]
    if not results:
        return answer({"success": True, "message": "No pending shops", "processed": 0})
    return answer(
        {
            "success": True,
            "message": f"Processed {len(results)} pending shops",
            "processed": len(results),
            "triggered": sum(1 for result in results if result["status"] == "triggered"),
            "results": results,
        }
    )


def _result(domain: str, came: Answer) -> dict[str, Any]:
    triggered = came in REQUESTED
    return {
        "shopDomain": domain,
        "status": "triggered" if triggered else "failed",
        "skipped": came is not Answer.OPENED,
    }
