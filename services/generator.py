"""Passwords and word phrases to choose from."""

from __future__ import annotations

from crypto.generator import (
    LENGTHS,
    WORD_COUNTS,
    password_bits,
    phrase_bits,
    random_password,
    word_phrase,
)
from errors import Invalid

__all__ = ["LENGTHS", "WORD_COUNTS", "password", "password_bits", "phrase", "phrase_bits"]


def password(
    length: int = 20,
    *,
    lower: bool = True,
    upper: bool = True,
    digits: bool = True,
    symbols: bool = True,
    avoid_lookalikes: bool = False,
) -> str:
    """Make a random password.

    Raises:
        Invalid: a length that is not offered, or no kind of character chosen.
    """
    try:
        return random_password(
            length,
            lower=lower,
            upper=upper,
            digits=digits,
            symbols=symbols,
            avoid_lookalikes=avoid_lookalikes,
        )
    except ValueError as error:
        raise Invalid(str(error), "length" if length not in LENGTHS else "classes") from None


def phrase(words: int = 6, separator: str = "-", *, capitalize: bool = False, number: bool = False) -> str:
    """Make a phrase of words drawn from the EFF long list.

    Raises:
        Invalid: a number of words that is not offered, or a long separator.
    """
    try:
        return word_phrase(words, separator, capitalize=capitalize, number=number)
    except ValueError as error:
        raise Invalid(str(error), "words" if words not in WORD_COUNTS else "separator") from None
