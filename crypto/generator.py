"""New passwords and word phrases, every one as likely as every other."""

from __future__ import annotations

import functools
import itertools
import math
import secrets
import string
from collections.abc import Sequence
from pathlib import Path

LENGTHS = range(8, 129)
WORD_COUNTS = range(3, 13)
MAX_SEPARATOR_LEN = 8

# Quotes, backslash, backtick and space are left out: they get lost in shells and files.
SYMBOLS = "!#$%&()*+,-./:;<=>?@[]^_{|}~"
LOOKALIKES = frozenset("0Oo1lI|")

_WORD_LIST = Path(__file__).parent / "wordlist" / "eff_long.txt"


def random_password(
    length: int, *, lower: bool, upper: bool, digits: bool, symbols: bool, avoid_lookalikes: bool
) -> str:
    """Return a password of *length* (8 to 128) with at least one character of each chosen class.

    Raises:
        ValueError: a sentence for the person: another length, or no class chosen.
    """
    if length not in LENGTHS:
        raise ValueError(f"Choose a length from {LENGTHS[0]} to {LENGTHS[-1]}.")
    classes = _classes(
        lower=lower, upper=upper, digits=digits, symbols=symbols, avoid_lookalikes=avoid_lookalikes
    )
    pool = sorted(frozenset().union(*classes))
    # Drawing anew until every class occurs keeps all allowed passwords equally likely; putting
    # one of each class in first would not. At worst about half of the draws are thrown away.
    while True:
        password = "".join(secrets.choice(pool) for _ in range(length))
        if all(not kind.isdisjoint(password) for kind in classes):
            return password


def password_bits(
    length: int, *, lower: bool, upper: bool, digits: bool, symbols: bool, avoid_lookalikes: bool
) -> float:
    """Return how many bits of randomness :func:`random_password` puts into a password of *length*.

    Counted exactly: all texts over the pool, less those that lack one class or more.

    Raises:
        ValueError: as there.
    """
    classes = _classes(
        lower=lower, upper=upper, digits=digits, symbols=symbols, avoid_lookalikes=avoid_lookalikes
    )
    sizes = [len(kind) for kind in classes]
    possible = sum(
        (-1) ** missing * (sum(sizes) - sum(left_out)) ** length
        for missing in range(len(sizes) + 1)
        for left_out in itertools.combinations(sizes, missing)
    )
    return math.log2(possible)


def word_phrase(words: int, separator: str, *, capitalize: bool, number: bool) -> str:
    """Return *words* (3 to 12) words of the EFF long list; *number* adds a digit to one of them.

    Raises:
        ValueError: a sentence for the person: another number of words, or a long separator.
    """
    if words not in WORD_COUNTS:
        raise ValueError(f"Choose from {WORD_COUNTS[0]} to {WORD_COUNTS[-1]} words.")
    if len(separator) > MAX_SEPARATOR_LEN:
        raise ValueError(f"Use a separator of at most {MAX_SEPARATOR_LEN} characters.")
    chosen = [secrets.choice(word_list()) for _ in range(words)]
    if capitalize:
        chosen = [word.capitalize() for word in chosen]
    if number:
        chosen[secrets.randbelow(words)] += str(secrets.randbelow(10))
    return separator.join(chosen)


def phrase_bits(words: int, *, number: bool) -> float:
    """Return how many bits of randomness :func:`word_phrase` puts into a phrase of *words* words."""
    return words * math.log2(len(word_list())) + (math.log2(10 * words) if number else 0)


@functools.cache
def word_list() -> tuple[str, ...]:
    """Return the 7,776 words of the EFF long list (see ``wordlist/LICENSE``)."""
    return tuple(_WORD_LIST.read_text(encoding="ascii").split())


def _classes(
    *, lower: bool, upper: bool, digits: bool, symbols: bool, avoid_lookalikes: bool
) -> Sequence[frozenset[str]]:
    offered = (
        (lower, string.ascii_lowercase),
        (upper, string.ascii_uppercase),
        (digits, string.digits),
        (symbols, SYMBOLS),
    )
    avoided = LOOKALIKES if avoid_lookalikes else frozenset()
    classes = [frozenset(characters) - avoided for chosen, characters in offered if chosen]
    if not classes:
        raise ValueError("Choose at least one kind of character.")
    return classes
