"""The rules of a good deployment, and which of them this installation keeps."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import func, select, text

from models import DataKey, Membership, User
from policy import Role
from services import backup_overview, row_security
from services.health import fleeting_data
from services.unit_of_work import UnitOfWork

KEY_AGE = timedelta(days=365)
OWNERS = 2
SOUND_SQLITE = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
"""The first releases of their lines without the fault that can damage a write-ahead log as it begins anew
(sqlite.org/wal.html)."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class State(StrEnum):
    """How a rule stands."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    WARN = "warn"
    BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Result:
    """One rule; ``words`` say what to do unless it is kept."""

    rule: str
    state: State
    words: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the settings say, as far as rules ask for it.

    Args:
        files: those that hold keys, by the name of the setting that names them.
        saves: whether snapshots are kept elsewhere.
    """

    production: bool
    public_url: str
    hsts_seconds: int
    proxies: int
    contact: str | None
    second_factor: bool
    audit_sink: bool
    metrics_token: bool
    contained: bool
    database: Path | None
    files: Mapping[str, Path]
    saves: bool = False


def review_settings(facts: Facts) -> list[Result]:
    """Hold the settings against the rules that need no database."""
    return [
        _rule("production", facts.production, "Set APP_ENV=production and the settings that it asks for."),
        _rule("https", facts.public_url.startswith("https://"), "Give PUBLIC_URL an https address."),
        _hsts(facts.hsts_seconds),
        _rule("security contact", facts.contact is not None, "Set SECURITY_CONTACT: mailto:… or https:…"),
        _rule("second factor", facts.second_factor, "Set REQUIRE_2FA=true."),
        _soft(
            "second place of the audit log",
            facts.audit_sink,
            "Set AUDIT_SINK: a file elsewhere, or stdout.",
        ),
        _soft("monitoring", facts.metrics_token, "Set METRICS_TOKEN and collect /metrics."),
        _proxies(facts.proxies),
        _lasting(facts),
        _sqlite(facts.database),
        *(_private(name, path) for name, path in facts.files.items()),
        *_BY_HAND,
    ]


def review_database(uow: UnitOfWork) -> list[Result]:
    """Hold what the database says against the rules."""
    return [_owners(uow), _key_age(uow), _names(uow), *_backups(uow), *_server(uow)]


_BY_HAND = (
    Result("keys kept elsewhere", State.BY_HAND, "Keep a copy of ENCRYPTION_KEYS outside this machine."),
    Result("firewall", State.BY_HAND, "Let only the reverse proxy reach the port."),
    Result("certificate", State.BY_HAND, "Renew it by itself; test it from outside."),
    Result("log watcher", State.BY_HAND, 'Have fail2ban look for "FAILED LOGIN from".'),
    Result("audit review", State.BY_HAND, "Mark the log as reviewed at least every 30 days."),
)


def _rule(rule: str, kept: bool, words: str) -> Result:  # noqa: FBT001 - the verdict itself
    return Result(rule, State.PASS) if kept else Result(rule, State.FAIL, words)


def _soft(rule: str, kept: bool, words: str) -> Result:  # noqa: FBT001 - the verdict itself
    return Result(rule, State.PASS) if kept else Result(rule, State.WARN, words)


def _hsts(seconds: int) -> Result:
    year = 365 * 86400
    return _soft("HSTS for a year", seconds >= year, f"Raise SECURE_HSTS_SECONDS step by step to {year}.")


def _proxies(proxies: int) -> Result:
    words = f"TRUSTED_PROXIES is {proxies}: it must be the number of proxies in front, no more."
    return Result("proxies", State.BY_HAND, words)


def _lasting(facts: Facts) -> Result:
    words = "" if facts.saves else fleeting_data(facts.database, contained=facts.contained)
    return _rule("data outlives the container", not words, words)


def _sqlite(database: Path | None) -> Result:
    rule = "sound SQLite"
    if database is None:
        return Result(rule, State.PASS)
    words = f"SQLite {sqlite3.sqlite_version} can, rarely, damage its write-ahead log; 3.51.3 cannot."
    return _soft(rule, is_sound(sqlite3.sqlite_version_info), words)


def is_sound(version: tuple[int, ...]) -> bool:
    """Whether a release of SQLite is free of the write-ahead log's fault."""
    return version >= SOUND_SQLITE[-1] or any(
        version[:2] == sound[:2] and version >= sound for sound in SOUND_SQLITE
    )


def _private(name: str, path: Path) -> Result:
    rule = f"{name} is private"
    if not path.exists():
        return Result(rule, State.PASS)
    return _rule(rule, not path.stat().st_mode & _OTHERS, f"Others can read {path}: chmod 600 {path}")


def _owners(uow: UnitOfWork) -> Result:
    rows = uow.session.execute(
        select(Membership.organization_id, func.count())
        .where(Membership.role == Role.OWNER.value, Membership.disabled_at.is_(None))
        .group_by(Membership.organization_id)
    ).all()
    enough = bool(rows) and all(count >= OWNERS for _, count in rows)
    return _soft("a second owner", enough, "Invite one: who loses their token needs another owner.")


_ENCRYPTED = text("""
    SELECT ssl OR inet_server_addr() IS NULL OR host(inet_server_addr()) IN ('127.0.0.1', '::1')
    FROM pg_stat_ssl WHERE pid = pg_backend_pid()
""")
"""Whether nobody on the way could read: TLS, or the way does not leave this machine."""


def _server(uow: UnitOfWork) -> list[Result]:
    if uow.connection.dialect.name != "postgresql":
        return []
    role = row_security.role_facts(uow.connection)
    unprotected = ", ".join(row_security.open_tables(uow.connection))
    return [
        _rule(
            "row security holds for the program",
            not role.unbound,
            f"{role.name} is a superuser or has BYPASSRLS. Use a role such as deploy/postgresql.sql makes.",
        ),
        _rule(
            "the program owns no table",
            not role.owner,
            f"{role.name} could take row security away. Name the owner in DATABASE_OWNER_URL instead.",
        ),
        _rule(
            "row security on every organization's table",
            not unprotected,
            f"Policies are missing: {unprotected}. Restore them from a backup of the schema.",
        ),
        _soft(
            "an encrypted way to the database",
            bool(uow.connection.scalar(_ENCRYPTED)),
            "Let DATABASE_URL end in ?sslmode=verify-full.",
        ),
    ]


def _key_age(uow: UnitOfWork) -> Result:
    oldest = uow.session.scalar(select(func.min(DataKey.created_at)).where(DataKey.state == "active"))
    young = oldest is None or uow.now - oldest <= KEY_AGE
    return _soft("keys younger than a year", young, "Plan to replace the keys.")


def _backups(uow: UnitOfWork) -> list[Result]:
    state = backup_overview.condition(uow)
    return [
        _soft("a backup of these days", state.is_fresh, "Run ./chatelaine backup create every day."),
        _soft("a backup that was tried", state.is_proven, "Run ./chatelaine backup verify every month."),
    ]


def _names(uow: UnitOfWork) -> Result:
    telling = uow.session.scalars(select(User.email).where(User.email.startswith("admin@"))).first()
    return _soft("no account called admin", telling is None, "Give people accounts of their own names.")
