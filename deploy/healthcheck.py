"""The container's health check: does the server in here answer? Exits 0 when it does."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit
from urllib.request import Request, urlopen


def main() -> None:
    """Ask the server as the proxy in front of it would."""
    public = os.environ.get("PUBLIC_URL") or f"https://{os.environ.get('SPACE_HOST', 'localhost')}"
    address = f"http://127.0.0.1:{os.environ.get('PORT') or 7860}/healthz"
    request = Request(address, headers={"Host": urlsplit(public).netloc, "X-Forwarded-Proto": "https"})
    try:
        with urlopen(request, timeout=4) as reply:  # noqa: S310 - http to ourselves  # nosec B310
            sys.exit(0 if reply.status == 200 else 1)  # noqa: PLR2004 - the status of a good answer
    except OSError:
        sys.exit(1)


if __name__ == "__main__":
    main()
