"""How hard a secret is to guess, by zxcvbn."""

from __future__ import annotations

from collections.abc import Iterable

from services.contents import Contents
from services.item_types import MAIN_SECRETS

HARDEST = 4
BEGINNING = 20
LONGEST = 40
"""Characters that are looked at. zxcvbn refuses more than 72, and takes 2.4 s for so many digits and symbols,
against 0.15 s for 20 of them, while nobody else can write."""


def strength_of(secret: str, known: Iterable[str] = ()) -> int | None:
    """Rate *secret* from 0 (guessed at once) to 4 (very hard to guess); None: it is empty.

    Args:
        known: what an attacker would try first, such as the user name.
    """
    if not secret:
        return None
    words = [word[:LONGEST] for word in known if word]
    score = _score(secret[:BEGINNING], words)
    return score if score == HARDEST or len(secret) <= BEGINNING else _score(secret[:LONGEST], words)


def rate(contents: Contents) -> int | None:
    """Rate the main secret of an item; None: its type has none, or it is empty."""
    main = MAIN_SECRETS.get(contents.type)
    for entry in contents.fields:
        if entry.name == main and not entry.custom:
            return strength_of(entry.value, (contents.name, contents.user_name))
    return None


def _score(text: str, words: list[str]) -> int:
    # Its word lists are large: only a process that rates something loads them.
    from zxcvbn import zxcvbn

    return int(zxcvbn(text, user_inputs=words)["score"])
