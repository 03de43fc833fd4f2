"""Credentials of every type, for writing them down without any database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from crypto.passphrase import PassphraseHasher
from exporters.formats import FORMATS
from exporters.record import Bundle, Credential, Value
from tests.exporters.opened import PASSPHRASE

MADE = datetime(2027, 1, 15, 12, 30, tzinfo=UTC)
SEED = "JBSWY3DPEHPK3PXP"
LINK = "otpauth://totp/DB:root?secret=JBSWY3DPEHPK3PXP&period=60&digits=8&algorithm=SHA256"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8sXEcE0xsAc4wCN5sAVgg8vDdTT6kTCgMLd1pPSXsT ops"
PRIVATE_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nbm90IG9uZQ==\n-----END OPENSSH PRIVATE KEY-----\n"
EVERY_KIND = (
    Value("Door code", "hidden", "=1+2", custom=True),
    Value("Floor", "text", "+3", custom=True),
    Value("Manual", "link", "https://wiki.example/door", custom=True),
    Value("Serviced", "date", "2026-02-03", custom=True),
    Value("Plan", "multiline", "left\r\nright\n", custom=True),
    Value("Spare code", "otp", LINK, custom=True),
    Value("Settings", "json", '{"a": [1, 2]}', custom=True),
    Value("Empty", "text", "", custom=True),
)


def credential(name: str, *values: Value, type_: str = "login", **changes: object) -> Credential:
    """Return a credential with what is usual, and *changes*."""
    given: dict[str, object] = {
        "id": UUID(int=abs(hash(name)) % 2**122),
        "vault": "Production",
        "name": name,
        "type": type_,
        "user_name": "",
        "urls": (),
        "tags": (),
        "expires_on": None,
        "values": values,
        "created_at": MADE,
        "changed_at": MADE,
    }
    return Credential(**(given | changes))  # type: ignore[arg-type]


def bundle(*credentials: Credential) -> Bundle:
    """Return what a writer is given."""
    return Bundle("Northwind", MADE, "Mia", credentials, {"use": 3})


EVERYTHING = bundle(
    credential(
        "servers/db/Primary <1> & “two”",
        Value("Password", "hidden", "S3cret!! ü→ \x0b \t"),
        Value("TOTP", "otp", LINK),
        Value("Notes", "multiline", "First line\nSecond line\r\n"),
        *EVERY_KIND,
        user_name="röot",
        urls=("https://db.example.com", "https://db2.example.com/a,b"),
        tags=("db", "prod"),
        expires_on=date(2031, 5, 6),
    ),
    credential("Stripe", Value("API key", "hidden", "-sk_live"), type_="api-key", user_name="@me"),
    credential(
        "servers/PG",
        Value("Host", "text", "pg.example"),
        Value("Port", "text", "5432"),
        Value("Database", "text", "shop"),
        Value("Password", "hidden", "pw"),
        type_="database",
    ),
    credential(
        "deploy",
        Value("Private key", "multiline", PRIVATE_KEY),
        Value("Passphrase", "hidden", "open"),
        Value("Public key", "multiline", PUBLIC_KEY),
        type_="ssh-key",
        user_name="git",
    ),
    credential(
        "tls",
        Value("Certificate", "multiline", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"),
        Value("Private key", "multiline", PRIVATE_KEY),
        type_="certificate",
    ),
    credential("Alarm", Value("Notes", "multiline", "Ring twice"), type_="note"),
    credential("Bank", Value("TOTP", "otp", SEED), type_="authenticator"),
    credential(
        "app/env",
        Value("DATABASE_URL", "hidden", "postgresql://x", custom=True),
        Value("limits", "json", "[1]", custom=True),
        Value("key", "reference", "VAULT_REF_KEY", custom=True),
        type_="secret",
    ),
)
"""One of each type, in one vault."""


def written(key: str, what: Bundle = EVERYTHING) -> bytes:
    """Write *what* in the format called *key*."""
    [format_] = [one for one in FORMATS if one.key == key]
    return format_.write(what, PASSPHRASE, PassphraseHasher())
