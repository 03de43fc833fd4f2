"""Where files go, a folder or an S3-compatible address and an account for it, and who looks at them first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from config_rules import ROOT, Switch, is_loopback, read_choice, split

if TYPE_CHECKING:
    from config_reader import Reader

Missing = Literal["refuse", "store"]
"""What becomes of a file that the scanner cannot look at."""
SERVED = ("static", "templates")
"""Folders of the program whose files are shown to people."""
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_BUCKET_PATH = re.compile(rf"/([a-z0-9][a-z0-9.-]{{2,62}})((/{_PART}){{0,4}})/?")
_ADVICE = "must be a folder, or an S3-compatible address such as https://s3.example.org/bucket/prefix."


@dataclass(frozen=True)
class StorePlace:
    """A folder, or an address: one of the two.

    Args:
        endpoint: scheme and host.
        prefix: what names begin with in the bucket; empty, or with a slash at its end.
    """

    folder: Path | None = None
    endpoint: str = ""
    bucket: str = ""
    prefix: str = ""

    def __str__(self) -> str:
        """Show the place as it would be set."""
        if self.folder is None:
            return f"{self.endpoint}/{self.bucket}/{self.prefix}".rstrip("/")
        return str(self.folder.relative_to(ROOT) if self.folder.is_relative_to(ROOT) else self.folder)


@dataclass(frozen=True)
class Daemon:
    """Where clamd listens: a host and a port, or the path of a socket and no port."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        """Show it as it would be set."""
        if self.port is None:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_clamd(reader: Reader) -> Daemon | None:
    """Return where the virus scanner listens; None: there is none."""
    advice = "must be the path of clamd's socket, such as /run/clamav/clamd.ctl, or HOST:PORT."
    found = reader.checked("CLAMD", _daemon, advice)
    guarded = read_choice(reader, "CLAMD_TLS", get_args(Switch), "on") == "off"
    if found and found.port and not guarded and not is_loopback(found.host):
        words = "names another machine, and clamd knows no TLS. Where something else guards the way there, "
        reader.fault("CLAMD", f"{words}set CLAMD_TLS=off.")
    return found


def _daemon(text: str) -> Daemon | None:
    if text.startswith("/") and "\0" not in text:
        return Daemon(text)
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]{1,253})):([0-9]{1,5})", text)
    if found is None or not 0 < int(found[3]) < 65536:  # noqa: PLR2004 - ports
        return None
    return Daemon(found[1] or found[2], int(found[3]))


def read_place(reader: Reader, name: str) -> StorePlace | None:
    """Return the place that the setting *name* gives; None where it is not set or wrong."""
    text = reader.text(name)
    if text is None:
        return None
    if "://" in text:
        return _read_address(reader, name, text)
    folder = (ROOT / text).resolve()
    if "\0" in text or any(folder.is_relative_to(ROOT / part) for part in SERVED):
        reader.fault(name, "must be a folder that the program serves nothing from.")
        return None
    return StorePlace(folder=folder)


def beside(database_url: str, name: str) -> StorePlace:
    """Return the folder called *name* beside the SQLite file, or in the program's own place for data."""
    file = database_url.removeprefix("sqlite:///")
    return StorePlace(folder=(ROOT / "instance" if file == database_url else Path(file).parent) / name)


def read_backup_place(reader: Reader, backup_key: str | None) -> StorePlace | None:
    """Return where the server puts snapshots by itself, for which nobody is there to type a passphrase."""
    place = read_place(reader, "BACKUP_TO")
    told = any(fault.name.startswith("BACKUP_KEY") for fault in reader.faults)
    if place and backup_key is None and not told:
        advice = "Make one with: ./chatelaine secrets generate-key --kind backup"
        reader.fault("BACKUP_KEY", f"is missing, and BACKUP_TO needs it. {advice}")
    return place


def read_account(reader: Reader, *places: StorePlace | None) -> tuple[str | None, str | None, str, Switch]:
    """Return access key, secret key, region and whether TLS is asked for, complete if a place needs them."""
    access_key, secret_key = reader.text("S3_ACCESS_KEY"), reader.secret("S3_SECRET_KEY")
    region = reader.checked(
        "S3_REGION", lambda text: text if re.fullmatch(r"[a-z0-9-]{1,40}", text) else None, "must be a name."
    )
    if any(place and place.bucket for place in places):
        for name, value in (("S3_ACCESS_KEY", access_key), ("S3_SECRET_KEY", secret_key)):
            if value is None and not any(fault.name.startswith(name) for fault in reader.faults):
                reader.fault(name, "is missing. An S3-compatible address needs an account.")
    for name, value in (("S3_ACCESS_KEY", access_key), ("S3_SECRET_KEY", secret_key)):
        if value is not None and re.fullmatch(r"[!-~]{1,256}", value) is None:
            reader.fault(name, "must be one word of at most 256 characters.")
    return access_key, secret_key, region or "us-east-1", _tls(reader)


def _read_address(reader: Reader, name: str, text: str) -> StorePlace | None:
    parts = split(text)
    path = _BUCKET_PATH.fullmatch(parts.path) if parts else None
    if parts is None or path is None or parts.query or parts.fragment or "@" in parts.netloc:
        reader.fault(name, _ADVICE)
        return None
    plain = parts.scheme == "http" and (is_loopback(parts.hostname or "") or _tls(reader) == "off")
    if parts.scheme != "https" and not plain:
        reader.fault(
            name,
            "must begin with https://. Where something else guards the way there, set S3_TLS=off."
            if parts.scheme == "http"
            else _ADVICE,
        )
        return None
    prefix = path[2].strip("/")
    return StorePlace(
        endpoint=f"{parts.scheme}://{parts.netloc.lower()}",
        bucket=path[1],
        prefix=f"{prefix}/" if prefix else "",
    )


def _tls(reader: Reader) -> Switch:
    return read_choice(reader, "S3_TLS", get_args(Switch), "on")
