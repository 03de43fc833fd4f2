"""Recovery codes: 80 random bits that a person can write down and type without doubt.

``3-K7QD-9XTM-40WB-ZREH``: a number from 1, then sixteen letters and digits of Crockford's base 32, which
leaves out I, L, O and U. The first three are understood all the same, as are lower case, blanks, and letters
without hyphens between them.
"""

from __future__ import annotations

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 16
CODES = 10
_GROUP = 4
_TYPED = re.compile(rf"([1-9][0-9]?)-([0-9A-Z]{{{LENGTH}}})", re.ASCII)
_MEANT = str.maketrans({"I": "1", "L": "1", "O": "0"})


def new_code(number: int) -> str:
    """Return a fresh code with this number in front."""
    text = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    groups = (text[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))
    return f"{number}-{'-'.join(groups)}"


def read_code(typed: str) -> tuple[int, str] | None:
    """Return number and letters of what somebody typed; None: it is no recovery code."""
    number, hyphen, letters = "".join(typed.upper().split()).partition("-")
    match = _TYPED.fullmatch(number + hyphen + letters.replace("-", ""))
    return (int(match[1]), match[2].translate(_MEANT)) if match else None


def letters_of(code: str) -> str:
    """Return what of a fresh code is secret: its letters, without number and hyphens."""
    return code.partition("-")[2].replace("-", "")
