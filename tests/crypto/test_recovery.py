"""Recovery codes: every fresh one is read back, and what people type in its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.recovery import ALPHABET, CODES, letters_of, new_code, read_code


@pytest.mark.parametrize("number", range(1, CODES + 1))
def test_a_fresh_code_is_read_back(number):
    code = new_code(number)
    assert read_code(code) == (number, letters_of(code))
    assert len(letters_of(code)) == 16
    assert set(letters_of(code)) <= set(ALPHABET)


def test_no_two_are_alike():
    assert len({letters_of(new_code(1)) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "typed",
    [
        "3-K1QD-9XT0-41WB-ZREH",
        "3-k1qd-9xt0-41wb-zreh",
        " 3 - K1QD 9XT0 41WB ZREH ",
        "3-K1QD9XT041WBZREH",
        "3-KIQD-9XTO-4LWB-ZREH",
    ],
)
def test_what_people_make_of_it_is_understood(typed):
    assert read_code(typed) == (3, "K1QD9XT041WBZREH")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "-",
        "3",
        "123456",
        "0-K1QD-9XT0-41WB-ZREH",
        "100-K1QD-9XT0-41WB-ZREH",
        "3-K1QD-9XT0-41WB-ZRE",
        "K1QD-9XT0",
    ],
)
def test_what_is_no_code_is_none(typed):
    assert read_code(typed) is None


@given(st.text())
def test_nothing_that_is_typed_breaks_the_reading(typed):
    read = read_code(typed)
    assert read is None or len(read[1]) == 16
