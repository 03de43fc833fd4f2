"""How hard a secret is to guess, by zxcvbn."""

from __future__ import annotations

from collections.abc import Iterable

from services.contents import Contents
from services.item_types import MAIN_SECRETS

LONGEST = 72
"""Characters that are looked at; zxcvbn refuses more, and nobody guesses that far."""


def strength_of(secret: str, known: Iterable[str] = ()) -> int | None:
    """Rate *secret* from 0 (guessed at once) to 4 (very hard to guess); None: it is empty.

    Args:
        known: what an attacker would try first, such as the user name.
    """
    if not secret:
        return None
    # Its word lists take a tenth of a second to load: only a process that rates something pays for it.
    from zxcvbn import zxcvbn

    words = [word[:LONGEST] for word in known if word]
    return int(zxcvbn(secret[:LONGEST], user_inputs=words)["score"])


def rate(contents: Contents) -> int | None:
    """Rate the main secret of an item; None: its type has none, or it is empty."""
    main = MAIN_SECRETS.get(contents.type)
    for entry in contents.fields:
        if entry.name == main and not entry.custom:
            return strength_of(entry.value, (contents.name, contents.user_name))
    return None
