"""Reads raw settings from the environment, a `.env` file and secret files, and judges how strong a secret is.

Nothing here knows what a setting means; config_rules.py does. Every fault is collected, so that one start
names them all, and no sentence ever shows a value.
"""

from __future__ import annotations

import base64
import difflib
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

Value = TypeVar("Value")

MIN_SECRET_BYTES = 32
MIN_DISTINCT_BYTES = 16  # 32 random bytes hold fewer distinct values once in 3 * 10**16
MAX_SECRET_FILE_BYTES = 65536
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# A random key of 43 characters holds one of these by chance less than once in ten million.
_PLACEHOLDER = re.compile(
    r"""change[-_ ]?(me|this|it)|in[-_ ]production|^your|replace|placeholder|example|insecure|default|password
    |generate|<.*>|\.\.\.|^(secret|dev|test|todo|none|null|xx+|key|token)$""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class Fault:
    """One thing that keeps the program from starting.

    Args:
        name: the variable at fault, or the file.
        sentence: what is wrong and how to make it right; never the value.
    """

    name: str
    sentence: str


class ConfigError(Exception):
    """The settings are incomplete or wrong; every fault found is listed."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(fault.sentence for fault in self.faults))


class Reader:
    """Hands out typed values by name, remembers where each came from, and collects faults."""

    def __init__(self, environ: Mapping[str, str], env_file: Path | None, known: Collection[str]) -> None:
        self.faults: list[Fault] = []
        self.sources: dict[str, str] = {}
        self._environ = environ
        self._file = self._read_env_file(env_file, known) if env_file else {}

    def fault(self, name: str, sentence: str) -> None:
        """Note that the setting *name* is wrong; *sentence* goes on from its name."""
        self.faults.append(Fault(name, f"{name} {sentence}"))

    def text(self, name: str) -> str | None:
        """Return the value without surrounding spaces; unset and empty are the same."""
        for source, values in (("environment", self._environ), (".env", self._file)):
            value = values.get(name, "").strip()
            if value:
                self.sources[name] = source
                return value
        return None

    def names(self, beginning: str) -> list[str]:
        """Return the names that are set and begin with *beginning*, sorted."""
        return sorted(name for name in {*self._environ, *self._file} if name.startswith(beginning))

    def secret(self, name: str) -> str | None:
        """Return the value of NAME, or the content of the file that NAME_FILE names."""
        value, path = self.text(name), self.text(f"{name}_FILE")
        if value and path:
            self.fault(name, f"and {name}_FILE are both set. Keep one of them.")
        if path is None:
            return value
        self.sources[name] = f"{name}_FILE"
        return self._read_secret_file(f"{name}_FILE", path)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number from *low* to *high*."""
        text = self.text(name)
        if text is None:
            return default
        if re.fullmatch(r"[0-9]{1,10}", text) and low <= int(text) <= high:
            return int(text)
        self.fault(name, f"must be a whole number from {low} to {high}.")
        return default

    def boolean(self, name: str, *, default: bool = False) -> bool:
        """Return a switch: true or 1, false or 0."""
        text = self.text(name)
        if text is None:
            return default
        if text.lower() in {"false", "0"}:
            return False
        if text.lower() not in {"true", "1"}:
            self.fault(name, "must be true or false.")
        return True

    def checked(self, name: str, accept: Callable[[str], Value | None], advice: str) -> Value | None:
        """Return what *accept* makes of the value; None from it is a fault whose sentence is *advice*."""
        text = self.text(name)
        if text is None:
            return None
        value = accept(text)
        if value is None:
            self.fault(name, advice)
        return value

    def _read_secret_file(self, name: str, path: str) -> str | None:
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - a pipe or a file descriptor is as good as a file
                content = file.read(MAX_SECRET_FILE_BYTES + 1)
            text = content.decode()
        except OSError as error:
            self.fault(name, f"names a file that cannot be read ({error.strerror}).")
            return None
        except UnicodeDecodeError:
            self.fault(name, "names a file that is not text.")
            return None
        if len(content) > MAX_SECRET_FILE_BYTES or not text.strip():
            self.fault(name, "names a file that is empty or far too long for a secret.")
            return None
        return text.strip()

    def _read_env_file(self, path: Path, known: Collection[str]) -> dict[str, str]:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.faults.append(Fault(path.name, f"{path} cannot be read ({error.strerror})."))
            return {}
        except UnicodeDecodeError:
            self.faults.append(Fault(path.name, f"{path} is not UTF-8 text."))
            return {}
        values: dict[str, str] = {}
        for number, line in enumerate(lines, start=1):
            complaint = _parse_line(line.strip(), values, known)
            if complaint:
                self.faults.append(Fault(path.name, f"Line {number} of {path.name} {complaint}"))
        return values


def _parse_line(line: str, values: dict[str, str], known: Collection[str]) -> str | None:
    if not line or line.startswith("#"):
        return None
    name, equals, value = line.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not _NAME.fullmatch(name):
        return "must be NAME=value, with the name in capital letters, or start with #."
    if name in values:
        return f"sets {name} a second time. Keep one of the two."
    if name not in known and (close := difflib.get_close_matches(name, known, n=1, cutoff=0.85)):
        return f"sets {name}, which is no setting. Did you mean {close[0]}?"
    quote = value[:1] if value[:1] in {'"', "'"} else ""
    if quote and (len(value) < 2 or value[-1] != quote or quote in value[1:-1]):  # noqa: PLR2004 - two quotation marks
        return f"has a quotation mark in {name} that does not match."
    if not quote and re.search(r"\s#", value):
        return f"has a remark after the value of {name}. Put it on a line of its own."
    values[name] = value[1:-1] if quote else value
    return None


def decode_secret(text: str) -> bytes:
    """Return the bytes behind hexadecimal or base64 text, or the text's own bytes where it is neither."""
    if len(text) % 2 == 0 and re.fullmatch(r"[0-9a-fA-F]+", text):
        return bytes.fromhex(text)
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    if re.fullmatch(r"[A-Za-z0-9_-]+", plain):
        # A single character over a group of four stands for less than a byte: it is dropped.
        plain = plain[: len(plain) - (len(plain) % 4 == 1)]
        return base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
    return text.encode()


def is_placeholder(text: str) -> bool:
    """Tell whether *text* was meant to be replaced: `changeme`, `your_secret_key_here`, `<paste here>`."""
    return bool(_PLACEHOLDER.search(text))


def is_random_enough(text: str) -> bool:
    """Tell whether *text* can hold 32 random bytes: long enough, not repeated, not a row of neighbors."""
    value = decode_secret(text)
    if len(value) < MIN_SECRET_BYTES or len(set(value)) < MIN_DISTINCT_BYTES:
        return False
    if any(text == (text[:period] * len(text))[: len(text)] for period in range(1, len(text) // 2 + 1)):
        return False
    neighbors = sum(abs(ord(a) - ord(b)) <= 1 for a, b in pairwise(text))
    return neighbors * 2 < len(text)
