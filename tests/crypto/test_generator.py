"""Generated passwords keep their promises, and none is likelier than another."""

from __future__ import annotations

import collections
import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.generator import (
    LOOKALIKES,
    SYMBOLS,
    password_bits,
    phrase_bits,
    random_password,
    word_list,
    word_phrase,
)

CLASSES = {
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "digits": string.digits,
    "symbols": SYMBOLS,
}


def password(length=20, *chosen, avoid_lookalikes=False):
    wanted = {name: name in (chosen or CLASSES) for name in CLASSES}
    return random_password(length, **wanted, avoid_lookalikes=avoid_lookalikes)


@given(st.integers(8, 128), st.sets(st.sampled_from(sorted(CLASSES)), min_size=1), st.booleans())
def test_a_password_has_its_length_and_each_chosen_class_and_nothing_else(length, chosen, avoid_lookalikes):
    made = password(length, *chosen, avoid_lookalikes=avoid_lookalikes)
    assert len(made) == length
    for name, characters in CLASSES.items():
        assert bool(set(made) & set(characters)) == (name in chosen)
    if avoid_lookalikes:
        assert not set(made) & LOOKALIKES


def test_every_character_that_may_occur_does_occur():
    seen = set("".join(password(128) for _ in range(200)))
    assert seen == set("".join(CLASSES.values()))
    seen = set("".join(password(128, avoid_lookalikes=True) for _ in range(200)))
    assert seen == set("".join(CLASSES.values())) - LOOKALIKES


def test_no_place_in_a_password_prefers_a_class():
    # 4,000 passwords of 8: had one of each class been put in first, the first place would never
    # hold anything but its own class. Bounds are over 6 standard deviations wide.
    first = collections.Counter(password(8)[0] in string.digits for _ in range(4000))
    last = collections.Counter(password(8)[-1] in string.digits for _ in range(4000))
    for place in (first, last):
        assert 400 < place[True] < 1000


def test_passwords_and_phrases_do_not_repeat():
    assert len({password() for _ in range(1000)}) == 1000
    assert len({word_phrase(6, "-", capitalize=False, number=False) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("length", [-1, 0, 7, 129])
def test_another_length_gets_a_sentence(length):
    with pytest.raises(ValueError, match="Choose a length from 8 to 128"):
        password(length)


def test_choosing_no_class_gets_a_sentence():
    with pytest.raises(ValueError, match="at least one kind of character"):
        random_password(20, lower=False, upper=False, digits=False, symbols=False, avoid_lookalikes=False)


def test_the_word_list_is_the_long_one_of_the_eff():
    words = word_list()
    assert len(words) == len(set(words)) == 7776
    assert (words[0], words[-1]) == ("abacus", "zoom")
    assert all(word.isascii() and word == word.lower() for word in words)


@pytest.mark.parametrize("words", [3, 6, 12])
def test_a_phrase_has_so_many_words_of_the_list(words):
    made = word_phrase(words, " ", capitalize=False, number=False).split(" ")
    assert len(made) == words
    assert set(made) <= set(word_list())


def test_a_phrase_may_be_capitalized_and_hold_one_digit():
    for _ in range(50):
        made = word_phrase(4, "_", capitalize=True, number=True).split("_")
        assert all(word[0].isupper() for word in made)
        assert sum(character.isdigit() for character in "".join(made)) == 1
        assert {word.rstrip(string.digits).lower() for word in made} <= set(word_list())


def test_the_digit_stands_behind_any_of_the_words():
    places = set()
    for _ in range(200):
        made = word_phrase(3, " ", capitalize=False, number=True).split(" ")
        places |= {place for place, word in enumerate(made) if word[-1].isdigit()}
    assert places == {0, 1, 2}


@pytest.mark.parametrize("words", [0, 2, 13])
def test_another_number_of_words_gets_a_sentence(words):
    with pytest.raises(ValueError, match="Choose from 3 to 12 words"):
        word_phrase(words, "-", capitalize=False, number=False)


def test_a_long_separator_gets_a_sentence():
    with pytest.raises(ValueError, match="at most 8 characters"):
        word_phrase(4, "-" * 9, capitalize=False, number=False)


def test_the_randomness_of_a_password_counts_only_passwords_that_can_come_out():
    letters = {"lower": True, "upper": False, "symbols": False, "avoid_lookalikes": False}
    assert password_bits(8, digits=False, **letters) == pytest.approx(math.log2(26**8))
    assert password_bits(8, digits=True, **letters) == pytest.approx(math.log2(36**8 - 26**8 - 10**8))


def test_the_randomness_of_a_phrase_counts_its_words_and_its_digit():
    assert phrase_bits(6, number=False) == pytest.approx(math.log2(7776**6))
    assert phrase_bits(6, number=True) == pytest.approx(math.log2(7776**6 * 6 * 10))
