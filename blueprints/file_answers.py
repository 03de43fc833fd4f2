"""Sending a file that somebody has put here: to be kept by whoever asked for it, never to be shown."""

from __future__ import annotations

import re
from urllib.parse import quote

from flask import Response

from services.attachment_contents import Content
from services.attachments import StoredFile

POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Of every such answer: whatever a browser makes of the bytes, they may do nothing."""
MEDIA = "application/octet-stream"
"""Whatever it is: no browser is to look into it."""
_KEPT = "!#$&+-.^_`|~"
"""What RFC 8187 leaves as it is, besides letters and digits."""


class FileAnswer(Response):
    """An answer that is a file; blueprints/headers.py gives it a policy of its own."""


def send(file: StoredFile, content: Content) -> FileAnswer:
    """Answer with *content*; what it holds is given back when the answer is closed."""
    answer = FileAnswer(content, content_type=MEDIA, direct_passthrough=True)
    answer.content_length = content.length
    answer.headers["Content-Disposition"] = disposition(file.file_name)
    return answer


def disposition(name: str) -> str:
    """Return the header that names a download, for old and new readers (RFC 6266, RFC 8187)."""
    plain = re.sub(r"[^A-Za-z0-9 ._()+=@,-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_KEPT)}"
