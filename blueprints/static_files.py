"""Static files go out compressed to whoever takes that. Pages never: their length would tell too much."""

from __future__ import annotations

import gzip
from pathlib import Path

from flask import Flask, Response, request

PACKED = frozenset({".css", ".js", ".svg"})


def register(app: Flask) -> None:
    """Compress the static files of *app* once, and send them so."""
    folder = Path(app.static_folder or "static")
    packed = {
        path.name: gzip.compress(path.read_bytes(), mtime=0)
        for path in folder.iterdir()
        if path.suffix in PACKED
    }

    @app.after_request
    def send_packed(response: Response) -> Response:
        if request.endpoint != "static" or response.status_code != 200:  # noqa: PLR2004 - a whole file
            return response
        content = packed.get((request.view_args or {}).get("filename", ""))
        if content is None:
            return response
        response.vary.add("Accept-Encoding")
        if request.accept_encodings.quality("gzip") > 0:
            response.close()
            response.direct_passthrough = False
            response.set_data(content)
            response.content_encoding = "gzip"
            response.set_etag(f"{response.get_etag()[0]}-gzip", weak=True)
        return response
