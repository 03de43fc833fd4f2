"""What the program writes about itself: one line an event, and never a secret in it.

``LOG_FORMAT=json`` gives a JSON object a line, ``console`` the same for reading along. Everything goes
through the standard library's loggers, so that what libraries say ends up in the same lines.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import structlog
from sqlalchemy.exc import SQLAlchemyError
from structlog.stdlib import ProcessorFormatter

from errors import ChatelaineError

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(
    r"(^|[_-])(password|passphrase|secret|token|key|authorization|cookie|otp|totp|seed|credential|csrf)s?$",
    re.IGNORECASE,
)
_PLAIN_NAMES = frozenset(
    {"event", "at", "level", "logger", "request", "method", "path", "endpoint", "status", "ms"}
)
"""Those of every request's line, known to be no secret's."""
_TOKEN = re.compile(r"(chl_(?:signin|api|enrol)_[0-9a-f]{8}_)[A-Za-z0-9_-]+")
_BREAKS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message", "taskName"}
_TELLING = (ChatelaineError, SQLAlchemyError, OSError)
"""Whose messages are ours, or are kept free of values; any other may quote what a person typed."""

Record = MutableMapping[str, Any]


def configure(style: Literal["json", "console"], level: str, stream: TextIO | None = None) -> None:
    """Send all logging of this process to *stream* (standard error), replacing what was set up before."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(style, colors=stream.isatty()))
    # No line says which thread or process wrote it, so nothing need find that out.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    # Its own words about limits and requests would double ours.
    for chatty in ("flask-limiter", "_granian", "werkzeug", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def formatter(style: Literal["json", "console"], *, colors: bool = False) -> logging.Formatter:
    """Return what turns a log record into its line."""
    if style == "json":
        return JsonLines()
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            _redact,
            _describe_exception,
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.dev.ConsoleRenderer(colors=colors, timestamp_key="at"),
        ],
    )


class JsonLines(logging.Formatter):
    """Writes a JSON object a line, for every request: structlog's way to it takes twice as long."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record*, with what it carries besides its words."""
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {"event": record.getMessage()}
        line |= {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        line |= {
            "at": at.isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "exc_info": record.exc_info,
        }
        return json.dumps(_describe_exception(None, "", _redact(None, "", line)), default=repr)


def _redact(_logger: Any, _method: str, record: Record) -> Record:
    """Hide what is named like a secret or looks like a token; keep every text on its line."""
    for name, value in record.items():
        if name.startswith("_"):
            continue
        if name not in _PLAIN_NAMES and _SECRET_NAME.search(name):
            record[name] = REDACTED
        elif isinstance(value, str):
            record[name] = clean(value)
        elif isinstance(value, dict):
            record[name] = _redact(None, "", dict(value))
    return record


def clean(text: str) -> str:
    """Return *text* on one line, without the secret part of any access token in it."""
    if text.isprintable() and "chl_" not in text:
        return text
    return _TOKEN.sub(r"\1…", text).translate(_BREAKS)


def _describe_exception(_logger: Any, _method: str, record: Record) -> Record:
    info = record.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        record["exception"] = "\n".join(_lines_of(error))
    return record


def _lines_of(error: BaseException, depth: int = 0) -> list[str]:
    """Say where an exception came from, cause first; what it says only if that cannot be a person's input."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = _lines_of(earlier, depth + 1) if earlier is not None and depth < 3 else []  # noqa: PLR2004 - enough
    frames = traceback.extract_tb(error.__traceback__)
    # A recursion that ran away has a thousand frames; its two ends tell all.
    shown = frames if len(frames) <= 30 else [*frames[:10], *frames[-10:]]  # noqa: PLR2004 - a screenful
    lines += [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in shown]
    said = f": {clean(str(error))}" if isinstance(error, _TELLING) else ""
    return [*lines, f"{type(error).__module__}.{type(error).__qualname__}{said}"]
