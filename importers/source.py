"""What a reader is given, and what is known of each reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from importers.entry import Reading


@dataclass(frozen=True, slots=True)
class Source:
    """A file, and what opens it.

    Args:
        file_name: as the person's machine calls it, without folders; names a credential where nothing else
            does.
        mapping: of a table whose columns nobody knows: heading to what it becomes, see ``importers.table``.
    """

    data: bytes = field(repr=False)
    file_name: str = ""
    passphrase: str = field(default="", repr=False)
    key_file: bytes = field(default=b"", repr=False)
    mapping: Mapping[str, str] = field(default_factory=dict)


class Asks(Enum):
    """Whether a format wants something besides the file."""

    NEVER = auto()
    MAY = auto()
    MUST = auto()


@dataclass(frozen=True, slots=True)
class Format:
    """One way in which another program writes its credentials.

    Args:
        key: its name for programs: in addresses, commands and the audit log.
        label: its name for people.
        endings: of file names, in lower case with their dot, for the file dialog.
        recognises: tells from the first bytes whether a file is of this format; must be cheap, and never
            raises.
        read: raises ``Refused``; its cost is bounded by the file's size.
        opens_with: what the passphrase is called, where it is another sort of key.
        hint: a sentence for people: where the other program's export is found.
    """

    key: str
    label: str
    endings: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[Source], Reading]
    passphrase: Asks = Asks.NEVER
    key_file: Asks = Asks.NEVER
    opens_with: str = "Passphrase"
    hint: str = ""
