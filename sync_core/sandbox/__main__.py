"""`python -m sync_core.sandbox --port 9292`: the sandbox without the shopsync command."""

from __future__ import annotations

import argparse
import sys

from sync_core.sandbox.config import SIZES, BadOption, load_config
from sync_core.sandbox.server import serve


def parser() -> argparse.ArgumentParser:
    """Every option; without a value the default of SandboxConfig holds."""
    found = argparse.ArgumentParser(prog="python -m sync_core.sandbox", description=__doc__)
    found.add_argument("--port", type=int, default=9292)
    for name in ("host", "client-id", "client-secret", "webhook-url", "state"):
        found.add_argument(f"--{name}")
    for name in ("products", "customers", "orders", "seed", "bucket", "restore-per-second", "token-seconds"):
        found.add_argument(f"--{name}", type=int)
    found.add_argument("--variants", help="5 (exactly) or 1-6")
    found.add_argument("--sizes", choices=SIZES)
    found.add_argument("--catalogue", action="append", default=[], metavar="DOMAIN=PATH.csv")
    found.add_argument("--latency-ms", type=float)
    found.add_argument("--bulk-objects-per-second", type=float, help="default: as fast as it goes")
    found.add_argument("--webhook-retry-seconds", type=float)
    found.add_argument("--no-throttle", dest="throttle", action="store_const", const=False)
    found.add_argument("--auto-install", action="store_const", const=True)
    return found


def main() -> int:
    """Serves; 2 when an option is wrong."""
    options = vars(parser().parse_args())
    port = options.pop("port")
    try:
        config = load_config(**options)
    except BadOption as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    serve(config, port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
