"""The settings: one frozen object, read once, complete and consistent or not there at all.

`config_reader.py` fetches raw values; `config_rules.py` and its neighbours say what a good one is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import urlsplit

import config_rules as rules
import config_servers as servers
import config_stores as stores
from config_providers import OidcProvider, read_client_secrets, read_providers, variable
from config_rates import Rates, read_rates
from config_reader import ConfigError, Fault, Reader
from config_rules import ROOT, SECRETS, AppEnv, LogFormat, LogLevel, Switch, in_container, is_loopback
from config_stores import Daemon, Missing, StorePlace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "NAMES",
    "ROOT",
    "SECRETS",
    "ConfigError",
    "Fault",
    "OidcProvider",
    "Settings",
    "in_container",
    "is_loopback",
    "load_secrets",
    "secret_names",
    "write_local_env",
]


@dataclass(frozen=True, repr=False, kw_only=True)
class Settings(Rates):
    """What the operator decided. Made by :meth:`load`; never changed afterwards."""

    app_env: AppEnv
    flask_secret_key: str
    encryption_keys: str
    admin_token: str | None
    database_url: str
    database_owner_url: str | None
    database_tls: Switch
    redis_tls: Switch
    redis_url: str | None
    attachments_to: StorePlace
    attachment_max_mib: int
    attachments_per_item: int
    clamd: Daemon | None
    clamd_missing: Missing
    clamd_tls: Switch
    s3_access_key: str | None
    s3_secret_key: str | None
    s3_region: str
    s3_tls: Switch
    public_url: str
    trusted_proxies: int
    require_2fa: bool
    session_idle_minutes: int
    session_hours: int
    step_up_minutes: int
    lockout_failures: int
    lockout_minutes: int
    oidc_providers: tuple[OidcProvider, ...]
    secure_hsts_seconds: int
    secure_hsts_subdomains: bool
    secure_hsts_preload: bool
    owner_email: str | None
    organization_name: str | None
    audit_sink: Path | Literal["stdout"] | None
    backup_to: StorePlace | None
    backup_key: str | None
    metrics_token: str | None
    trash_days: int
    csp_report_only: bool
    embed_origins: tuple[str, ...]
    security_contact: str | None
    log_format: LogFormat
    log_level: LogLevel
    port: int
    sources: Mapping[str, str] = field(compare=False)
    without_keys: tuple[str, ...] = ()
    """Ids of master keys to start without, read-only; said to ``serve`` each time, and set nowhere."""

    @classmethod
    def load(cls, environ: Mapping[str, str], *, env_file: Path | None) -> Settings:
        """Read every setting; the environment beats *env_file*.

        Raises:
            ConfigError: with every fault found, not only the first.
        """
        reader = Reader(environ, env_file, KNOWN)
        settings = _read(reader, environ)
        if reader.faults:
            raise ConfigError(reader.faults)
        return settings

    @property
    def is_production(self) -> bool:
        """Whether people reach this over the network, with everything that asks for."""
        return self.app_env == "production"

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Host names that a request may ask for, without ports."""
        if self.is_production:
            return (urlsplit(self.public_url).hostname or "",)
        return ("127.0.0.1", "localhost", "[::1]")

    @property
    def passkey_place(self) -> tuple[str, str] | None:
        """Host that passkeys are bound to, and origin of the pages that use them; None: there can be none."""
        return rules.passkey_place(self.public_url)

    @property
    def cookie_name(self) -> str:
        """Name of the session cookie; `__Host-` makes browsers hold it to https and to this host."""
        return "__Host-chatelaine" if self.is_production else "chatelaine"

    @property
    def hsts_seconds(self) -> int:
        """How long browsers shall insist on https; 0 in `local`, which is plain http."""
        return self.secure_hsts_seconds if self.is_production else 0

    @property
    def database_path(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        prefix = "sqlite:///"
        return Path(self.database_url.removeprefix(prefix)) if self.database_url.startswith(prefix) else None

    def on_port(self, port: int) -> Settings:
        """Return these settings for another port; in `local` the address in links moves along."""
        moved = replace(self, port=port)
        if self.is_production or "PUBLIC_URL" in self.sources:
            return moved
        return replace(moved, public_url=rules.local_url(port))

    def without(self, key_ids: Iterable[str]) -> Settings:
        """Return these settings for a start without some master keys that the database needs."""
        return replace(self, without_keys=tuple(key_ids))

    def effective(self) -> list[tuple[str, str, str]]:
        """List name, value and origin of every setting, fit to be shown: of a secret only that it is set."""
        shown = [(name, self._shown(name), self.sources.get(name, "default")) for name in NAMES]
        for provider in self.oidc_providers:
            shown += [(name, text, self.sources.get(name, "default")) for name, text in provider.shown()]
        return shown

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={shown!r}' for name, shown, _ in self.effective())})"

    def _shown(self, name: str) -> str:
        value = getattr(self, name.lower())
        if name == "DATABASE_URL":
            return "SQLite" if self.database_path else "PostgreSQL"
        if value is None or value == ():
            return "not set"
        if name in SECRETS:
            return "set"
        if isinstance(value, bool):
            return str(value).lower()
        return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


_APART = {"sources", "without_keys", *(item.name for item in fields(Rates))}
NAMES = (*(item.name.upper() for item in fields(Settings) if item.name not in _APART), *Rates().rates())
KNOWN = frozenset(NAMES) | {f"{name}_FILE" for name in SECRETS} | {"FLASK_ENV", "FLASK_DEBUG"}


def secret_names(settings: Settings) -> tuple[str, ...]:
    """Return the names of all secrets, those of the providers of single sign-on among them."""
    return (*SECRETS, *(variable(provider.name, "CLIENT_SECRET") for provider in settings.oidc_providers))


def load_secrets(environ: Mapping[str, str], *, env_file: Path | None) -> dict[str, str | None]:
    """Read the secrets that are keys and those of providers, and nothing else.

    Raises:
        ConfigError: with every fault found in them.
    """
    reader = Reader(environ, env_file, KNOWN)
    values = rules.read_secrets(reader)
    read_client_secrets(reader, environ)
    if reader.faults:
        raise ConfigError(reader.faults)
    return values


def write_local_env(path: Path, *, flask_secret_key: str, encryption_key: str) -> None:
    """Write a new `.env` for this machine, readable by its owner alone.

    Raises:
        FileExistsError: there is one already; it is never overwritten.
    """
    content = (
        "# Made at the first start on this machine. Without ENCRYPTION_KEYS nothing in the database\n"
        "# can be read: keep a copy of this file somewhere else. .env.example lists every setting.\n"
        f"APP_ENV=local\nFLASK_SECRET_KEY={flask_secret_key}\nENCRYPTION_KEYS={encryption_key}\n"
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(reader: Reader, environ: Mapping[str, str]) -> Settings:
    app_env = rules.read_app_env(reader)
    production = app_env == "production"
    port = reader.number("PORT", 7860 if in_container(environ) else 8000, 1, 65535)
    secrets = rules.read_secrets(reader)
    database_url = servers.read_database_url(reader, environ)
    attachments_to = stores.read_place(reader, "ATTACHMENTS_TO")
    backup_to = stores.read_backup_place(reader, secrets["BACKUP_KEY"])
    access_key, secret_key, region, s3_tls = stores.read_account(reader, attachments_to, backup_to)
    idle, hours = rules.read_session_limits(reader)
    hsts_seconds, hsts_subdomains, hsts_preload = rules.read_hsts(reader)
    if production:
        rules.refuse_debug(reader)
    return Settings(
        app_env=app_env,
        flask_secret_key=secrets["FLASK_SECRET_KEY"] or "",
        encryption_keys=secrets["ENCRYPTION_KEYS"] or "",
        admin_token=secrets["ADMIN_TOKEN"],
        database_url=database_url,
        database_owner_url=servers.read_database_owner_url(reader, database_url),
        database_tls=rules.read_choice(reader, "DATABASE_TLS", get_args(Switch), "on"),
        redis_tls=rules.read_choice(reader, "REDIS_TLS", get_args(Switch), "on"),
        redis_url=servers.read_redis_url(reader),
        attachments_to=attachments_to or stores.beside(database_url, "attachments"),
        attachment_max_mib=reader.number("ATTACHMENT_MAX_MIB", 10, 0, 10),
        attachments_per_item=reader.number("ATTACHMENTS_PER_ITEM", 20, 1, 100),
        clamd=stores.read_clamd(reader),
        clamd_missing=rules.read_choice(reader, "CLAMD_MISSING", get_args(Missing), "refuse"),
        clamd_tls=rules.read_choice(reader, "CLAMD_TLS", get_args(Switch), "on"),
        s3_access_key=access_key,
        s3_secret_key=secret_key,
        s3_region=region,
        s3_tls=s3_tls,
        public_url=rules.read_public_url(reader, environ, port, production=production),
        trusted_proxies=reader.number("TRUSTED_PROXIES", 1 if environ.get("SPACE_ID") else 0, 0, 10),
        require_2fa=reader.boolean("REQUIRE_2FA", default=production),
        session_idle_minutes=idle,
        session_hours=hours,
        step_up_minutes=reader.number("STEP_UP_MINUTES", 5, 1, 60),
        lockout_failures=reader.number("LOCKOUT_FAILURES", 5, 1, 100),
        lockout_minutes=reader.number("LOCKOUT_MINUTES", 60, 1, 10_080),
        oidc_providers=read_providers(reader, environ, production=production),
        secure_hsts_seconds=hsts_seconds,
        secure_hsts_subdomains=hsts_subdomains,
        secure_hsts_preload=hsts_preload,
        owner_email=reader.checked(
            "OWNER_EMAIL", rules.email, "must be one e-mail address, such as ada@example.org"
        ),
        organization_name=reader.checked(
            "ORGANIZATION_NAME",
            rules.organization_name,
            f"must fit on one line of {rules.MAX_NAME} characters.",
        ),
        audit_sink=reader.checked("AUDIT_SINK", rules.audit_sink, "must be a file, or stdout."),
        backup_to=backup_to,
        backup_key=secrets["BACKUP_KEY"],
        metrics_token=secrets["METRICS_TOKEN"],
        trash_days=reader.number("TRASH_DAYS", 30, 1, 3650),
        csp_report_only=reader.boolean("CSP_REPORT_ONLY"),
        embed_origins=rules.read_embed_origins(reader),
        security_contact=reader.checked(
            "SECURITY_CONTACT",
            rules.security_contact,
            "must be a mailto: or https: link, such as mailto:security@example.org",
        ),
        log_format=rules.read_choice(
            reader, "LOG_FORMAT", get_args(LogFormat), "json" if production else "console"
        ),
        log_level=rules.read_choice(reader, "LOG_LEVEL", get_args(LogLevel), "INFO"),
        port=port,
        **read_rates(reader),
        sources=reader.sources,
    )
