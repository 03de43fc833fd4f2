"""What a good address of a database or a Redis looks like, and that the way there is encrypted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from config_rules import ROOT, in_container, is_loopback, split

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from config_reader import Reader

_SERVER = "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full"
_NO_FILE = r"[?#%]|:memory:"
_TLS_MODES = ("require", "verify-ca", "verify-full")


def read_database_url(reader: Reader, environ: Mapping[str, str]) -> str:
    """Return where the data is; a SQLite path is made absolute."""
    text = reader.secret("DATABASE_URL")
    if text is None:
        return (
            "sqlite:////data/chatelaine.db"
            if in_container(environ)
            else f"sqlite:///{ROOT}/instance/chatelaine.db"
        )
    if text.startswith("sqlite:"):
        path = text.removeprefix("sqlite:///")
        if path in {text, ""} or re.search(_NO_FILE, path):
            reader.fault("DATABASE_URL", "must name a file, such as sqlite:///instance/chatelaine.db")
        return f"sqlite:///{ROOT / path}"
    _check_server(reader, "DATABASE_URL", text, f"sqlite:///FILE or {_SERVER}")
    return text


def read_database_owner_url(reader: Reader, database_url: str) -> str | None:
    """Return as whom the tables are changed, where that is somebody else than the program itself."""
    text = reader.secret("DATABASE_OWNER_URL")
    if text is None:
        return None
    _check_server(reader, "DATABASE_OWNER_URL", text, _SERVER)
    if database_url.startswith("sqlite:"):
        reader.fault("DATABASE_OWNER_URL", "is for PostgreSQL. Unset it, or give DATABASE_URL a server.")
    elif _user_of(text) == _user_of(database_url):
        reader.fault(
            "DATABASE_OWNER_URL",
            "signs in as the same role as DATABASE_URL, which needs one of its own that owns nothing.",
        )
    return text


def read_target(reader: Reader) -> tuple[str, str | None]:
    """Return where a copy of the database goes, and as which role its tables are made, if that is another."""
    url, owner_url = reader.text("TARGET_URL") or "", reader.text("TARGET_OWNER_URL")
    if url.startswith("sqlite:"):
        path = url.removeprefix("sqlite:///")
        if path in {url, ""} or re.search(_NO_FILE, path):
            reader.fault("--to", "must name a file, such as sqlite:////var/lib/chatelaine/chatelaine.db")
        if owner_url is not None:
            reader.fault("--owner", "is for PostgreSQL.")
        return f"sqlite:///{ROOT / path}", None
    _check_server(reader, "--to", url, f"sqlite:///FILE or {_SERVER}")
    if owner_url is not None:
        _check_server(reader, "--owner", owner_url, _SERVER)
    return url, owner_url


def _check_server(reader: Reader, name: str, text: str, advice: str) -> None:
    """Want a database on a server, over TLS unless it is on this machine or that is switched off by name."""
    parts = split(text, hostless=True) if text.startswith("postgresql+psycopg://") else None
    if parts is None or not parts.path.strip("/"):
        reader.fault(name, f"must be {advice}")
        return
    asked = parse_qs(parts.query)
    if "sslpassword" in asked:
        # libpq has no variable for it, so that a backup would show it to everybody on the machine.
        reader.fault(
            name, "cannot hold sslpassword. Give a key without a passphrase, that only this program reads."
        )
    secure = len(asked.get("sslmode", [])) == 1 and asked["sslmode"][0] in _TLS_MODES
    if not (secure or _is_here(parts, asked) or _is_off(reader, "DATABASE_TLS")):
        reader.fault(
            name,
            "reaches another machine, so it must end in ?sslmode=verify-full (or require, verify-ca). "
            "Where something else guards the way there, set DATABASE_TLS=off.",
        )


def _user_of(text: str) -> str | None:
    parts = split(text, hostless=True)
    return parts.username if parts else None


def _is_here(parts: SplitResult, asked: Mapping[str, list[str]]) -> bool:
    """Tell whether a connection stays on this machine: by loopback or a socket in a folder."""
    named = [parts.hostname or "", *asked.get("host", []), *asked.get("hostaddr", [])]
    hosts = [host for one in named for host in one.split(",")]
    # A service file could say anything.
    return "service" not in asked and all(
        not host or host.startswith("/") or is_loopback(host) for host in hosts
    )


def _is_off(reader: Reader, name: str) -> bool:
    return (reader.text(name) or "").lower() == "off"


def read_redis_url(reader: Reader) -> str | None:
    """Return where shared limits are counted, if anywhere."""
    text = reader.secret("REDIS_URL")
    if text is None:
        return None
    parts = split(text) if re.match(r"rediss?://", text) else None
    if parts is None:
        reader.fault("REDIS_URL", "must be redis://HOST:PORT/NUMBER, or rediss:// with TLS.")
    elif parts.scheme == "redis" and not (is_loopback(parts.hostname or "") or _is_off(reader, "REDIS_TLS")):
        reader.fault(
            "REDIS_URL",
            "reaches another machine, so it must begin with rediss://. "
            "Where something else guards the way there, set REDIS_TLS=off.",
        )
    return text
