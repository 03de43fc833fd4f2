"""Names of files, as people's computers may have them without harm, wherever they came from."""

from __future__ import annotations

import re
import unicodedata

MOST = 120
"""Characters of a name, its ending included."""
_FORBIDDEN = re.compile(r'[<>:"|?*\\/]')
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
"""Categories of characters that are not seen, or turn the writing around: "exe.txt" may end in either."""
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""What Windows takes for a device, with any ending."""


def clean(name: str) -> str:
    """Return *name* without folders, hidden characters and what a file system trips over; never empty."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(one for one in last if unicodedata.category(one) not in _INVISIBLE)
    plain = _FORBIDDEN.sub("_", " ".join(seen.split())).strip(" .")
    if _DEVICE.fullmatch(plain):
        plain = f"_{plain}"
    return _shortened(plain) or "file"


def ending(name: str) -> str:
    """Return what stands behind the last dot, in lower case; empty where there is none."""
    stem, dot, last = name.rpartition(".")
    return last.lower() if dot and stem else ""


def _shortened(name: str) -> str:
    if len(name) <= MOST:
        return name
    last = ending(name)
    kept = f".{name[-len(last) :]}" if last and len(last) <= 10 else ""  # noqa: PLR2004 - an ending, not a sentence
    return name[: MOST - len(kept)].rstrip(" .") + kept
