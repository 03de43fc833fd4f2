"""What a good value of each setting looks like; a bad one becomes a fault with the sentence that helps."""

from __future__ import annotations

import base64
import re
from ipaddress import ip_address
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from config_reader import decode_secret, is_placeholder, is_random_enough

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from config_reader import Reader

AppEnv = Literal["production", "local"]
LogFormat = Literal["json", "console"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Switch = Literal["on", "off"]
Choice = TypeVar("Choice", bound=str)

ROOT = Path(__file__).resolve().parent
ONE_YEAR = 31_536_000
MASTER_KEY_BYTES = 32
MAX_NAME = 100

# Every secret, with the kind that generate-key is asked for; None where no key of ours would do.
SECRETS: Mapping[str, str | None] = {
    "FLASK_SECRET_KEY": "flask",
    "ENCRYPTION_KEYS": "encryption",
    "ADMIN_TOKEN": "admin-token",
    "BACKUP_KEY": "backup",
    "METRICS_TOKEN": "admin-token",
    "DATABASE_URL": None,
    "DATABASE_OWNER_URL": None,
    "REDIS_URL": None,
    "S3_SECRET_KEY": None,
}
MASTER_LIKE = ("ENCRYPTION_KEYS", "BACKUP_KEY")
"""Secrets that are used as they are: exactly 32 bytes, in one spelling."""
REQUIRED = ("FLASK_SECRET_KEY", "ENCRYPTION_KEYS")


def in_container(environ: Mapping[str, str]) -> bool:
    """Tell whether this runs in our image, where nothing but the data volume may be written.

    The image says so itself: a file such as /.dockerenv is also found on development machines.
    """
    return environ.get("CHATELAINE_CONTAINER", "") == "1"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach *host*."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def local_url(port: int) -> str:
    """Return the address that a browser on this machine uses."""
    return f"http://127.0.0.1:{port}"


def read_secrets(reader: Reader) -> dict[str, str | None]:
    """Return the secrets that are keys: present where required, strong, and no two alike."""
    values = {name: reader.secret(name) for name, kind in SECRETS.items() if kind}
    behind: list[tuple[str, bytes]] = []
    for name, value in values.items():
        advice = f"Make one with: ./chatelaine secrets generate-key --kind {SECRETS[name]}"
        if value is None:
            if name in REQUIRED and not any(fault.name.startswith(name) for fault in reader.faults):
                reader.fault(name, f"is missing. {advice}")
            continue
        parts = value.split(":") if name == "ENCRYPTION_KEYS" else [value]
        for number, part in enumerate(parts, start=1):
            complaint = _weakness(part) or (_malformed(part) if name in MASTER_LIKE else None)
            if complaint:
                which = f" (key {number} of {len(parts)})" if len(parts) > 1 else ""
                reader.fault(name, f"{complaint}{which}. {advice}")
        behind += [(name, decode_secret(part)) for part in parts if part]
    for (one, first), (other, second) in combinations(behind, 2):
        if first == second and one == other:
            reader.fault(one, "lists the same key twice. List each key once.")
        elif first == second:
            reader.fault(other, f"has the same value as {one}. Every secret needs a value of its own.")
    return values


def _weakness(value: str) -> str | None:
    if not value:
        return "has an empty part"
    if is_placeholder(value):
        return "is still a placeholder"
    if not is_random_enough(value):
        return "is too weak; it must be 32 or more random bytes"
    return None


def _malformed(value: str) -> str | None:
    # Syntax only, since settings import nothing of ours: the application hands the same text to the key ring.
    canonical = base64.urlsafe_b64encode(decode_secret(value)).decode().rstrip("=") == value.removesuffix("=")
    if not canonical or len(decode_secret(value)) != MASTER_KEY_BYTES:
        return "must be 32 bytes of url-safe base64"
    return None


def read_app_env(reader: Reader) -> AppEnv:
    """Return what kind of installation this is; production unless somebody says `local`."""
    named, alias = reader.text("APP_ENV"), reader.text("FLASK_ENV")
    if named and alias and named != alias:
        reader.fault("FLASK_ENV", "says something else than APP_ENV. Unset it; APP_ENV is enough.")
    for name, value in (("APP_ENV", named), ("FLASK_ENV", alias)):
        if value is not None and value not in get_args(AppEnv):
            reader.fault(name, "must be production, or local for trying Chatelaine on your own machine.")
    if alias and not named:
        reader.sources["APP_ENV"] = "FLASK_ENV"
    return "local" if (named or alias) == "local" else "production"


def read_choice(reader: Reader, name: str, options: tuple[Choice, ...], default: Choice) -> Choice:
    """Return the one of *options* that is set, whatever its case."""
    text = reader.text(name)
    chosen = next((option for option in options if text and option.lower() == text.lower()), None)
    if text and chosen is None:
        reader.fault(name, f"must be one of: {', '.join(options)}.")
    return chosen or default


def read_public_url(reader: Reader, environ: Mapping[str, str], port: int, *, production: bool) -> str:
    """Return the address that people use, as scheme and host, without a slash at the end."""
    text, space = reader.text("PUBLIC_URL"), environ.get("SPACE_HOST", "").strip()
    if text is None and space:
        reader.sources["PUBLIC_URL"] = "SPACE_HOST"
        text = f"https://{space}"
    if text is None:
        if production:
            reader.fault(
                "PUBLIC_URL",
                "is missing. Set it to the address that people use, such as https://vault.example.org",
            )
        return local_url(port)
    parts = split(text)
    if parts is None or parts.path not in {"", "/"} or "@" in parts.netloc or parts.query or parts.fragment:
        reader.fault("PUBLIC_URL", "must be scheme and host alone, such as https://vault.example.org")
        return local_url(port)
    if production and parts.scheme != "https":
        reader.fault("PUBLIC_URL", "must begin with https:// in production.")
    if not production and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        reader.fault("PUBLIC_URL", f"must be the address of this machine in local, such as {local_url(port)}")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def passkey_place(public_url: str) -> tuple[str, str] | None:
    """Return host and origin of the pages that may use passkeys; None: browsers would not let them.

    Passkeys are bound to a name, never to an IP address. This machine has one for itself.
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if _is_ip(host):
        if parts.scheme != "http" or not is_loopback(host):
            return None
        host = "localhost"
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in {None, usual} else f":{parts.port}"
    return host, f"{parts.scheme}://{host}{port}"


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def split(text: str, *, hostless: bool = False) -> SplitResult | None:
    """Take a URL apart; None unless it has a scheme, a plain host name and a sound port.

    Args:
        hostless: whether it may do without a host, as an address of a socket does.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if host is None and hostless:
        return None if re.search(r"[\s\\]", text) else parts
    sound = (
        host is not None
        and re.fullmatch(r"[a-z0-9.:_-]+", host) is not None
        and not re.search(r"[\s\\]", text)
    )
    return parts if parts.scheme and sound else None


def read_embed_origins(reader: Reader) -> tuple[str, ...]:
    """Return the sites that may show the pages in a frame."""
    origins = tuple((reader.text("EMBED_ORIGINS") or "").replace(",", " ").split())
    for origin in origins:
        parts = split(origin)
        if parts is None or origin.lower() != f"https://{parts.netloc.lower()}" or "@" in parts.netloc:
            reader.fault(
                "EMBED_ORIGINS", "must be https origins divided by spaces, such as https://huggingface.co"
            )
            break
    return tuple(origin.lower() for origin in origins)


def read_hsts(reader: Reader) -> tuple[int, bool, bool]:
    """Return seconds, subdomains, preload."""
    seconds = reader.number("SECURE_HSTS_SECONDS", ONE_YEAR, 0, 4 * ONE_YEAR)
    subdomains, preload = reader.boolean("SECURE_HSTS_SUBDOMAINS"), reader.boolean("SECURE_HSTS_PRELOAD")
    if preload and not (subdomains and seconds >= ONE_YEAR):
        reader.fault(
            "SECURE_HSTS_PRELOAD",
            f"needs SECURE_HSTS_SUBDOMAINS=true and SECURE_HSTS_SECONDS of {ONE_YEAR} or more.",
        )
    return seconds, subdomains, preload


def read_session_limits(reader: Reader) -> tuple[int, int]:
    """Return idle minutes and absolute hours."""
    idle, hours = (
        reader.number("SESSION_IDLE_MINUTES", 30, 1, 1440),
        reader.number("SESSION_HOURS", 12, 1, 168),
    )
    if idle > hours * 60:
        reader.fault(
            "SESSION_IDLE_MINUTES", "is longer than SESSION_HOURS, so it would never apply. Lower it."
        )
    return idle, hours


def refuse_debug(reader: Reader) -> None:
    """Refuse the switch that makes error pages show what they must not."""
    if (reader.text("FLASK_DEBUG") or "0").lower() not in {"0", "false"}:
        reader.fault(
            "FLASK_DEBUG", "is set in production, where it would show secrets on error pages. Unset it."
        )


def audit_sink(text: str) -> Path | Literal["stdout"] | None:
    """Accept `stdout` or a file, relative to the program's folder."""
    if "\0" in text or text.endswith("/"):
        return None
    return "stdout" if text == "stdout" else ROOT / text


def email(text: str) -> str | None:
    """Accept one plain address."""
    return text if re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+", text) and text.isprintable() else None


def organization_name(text: str) -> str | None:
    """Accept a name that fits on one line."""
    return text if len(text) <= MAX_NAME and text.isprintable() else None


def security_contact(text: str) -> str | None:
    """Accept a link that security.txt may carry."""
    return (
        text
        if re.fullmatch(r"(mailto:[^@\s]+@[^@\s]+|https://[^\s/]+\S*)", text) and text.isprintable()
        else None
    )
