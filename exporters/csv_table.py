"""A table of what every password manager knows, with the columns that Bitwarden's has and most others read.

A spreadsheet takes a cell that begins like a formula for one, and a formula can send the table away. So there
are two tables: one for spreadsheets, where an apostrophe stands in front of such a cell, and one for other
programs, whose values are those that are kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from crypto.passphrase import PassphraseHasher
from exporters.csv_cells import safe
from exporters.record import Bundle, Credential

COLUMNS = (
    *("folder", "favorite", "type", "name", "notes", "fields", "reprompt"),
    *("login_uri", "login_username", "login_password", "login_totp"),
)
_LOGINS = frozenset({"login", "api-key", "database", "authenticator"})
_SECRETS = ("Password", "API key")


def write_guarded(bundle: Bundle, _passphrase: str, _hasher: PassphraseHasher) -> bytes:
    """Return the table for spreadsheets."""
    return _table([safe(cell) for cell in row] for row in _rows(bundle))


def write_exact(bundle: Bundle, _passphrase: str, _hasher: PassphraseHasher) -> bytes:
    """Return the table for other programs."""
    return _table(_rows(bundle))


def _table(rows: Iterable[Sequence[str]]) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerows([COLUMNS, *rows])
    return target.getvalue().encode()


def _rows(bundle: Bundle) -> Iterator[Sequence[str]]:
    for one in bundle.credentials:
        yield _row(one, bundle.folder_of(one))


def _row(one: Credential, folder: str) -> Sequence[str]:
    is_login = one.type in _LOGINS
    secret = next((value for name in _SECRETS if (value := one.of_type(name))), "") if is_login else ""
    return (
        folder,
        "",
        "login" if is_login else "note",
        one.leaf,
        one.of_type("Notes"),
        "\n".join(f"{name}: {value}" for name, value in _others(one, is_login=is_login)),
        "0",
        ",".join(one.urls) if is_login else "",
        one.user_name if is_login else "",
        secret,
        one.of_type("TOTP") if is_login else "",
    )


def _others(one: Credential, *, is_login: bool) -> Iterator[tuple[str, str]]:
    """Yield what there is no column for."""
    if not is_login:
        yield from [("User name", one.user_name)] if one.user_name else []
        yield from [("URL", url) for url in one.urls]
    for value in one.others("Notes", *((*_SECRETS, "TOTP") if is_login else ())):
        yield value.name, value.value
    if one.tags:
        yield "Tags", ", ".join(one.tags)
    if one.expires_on:
        yield "Expires", one.expires_on.isoformat()
