"""The codes of people's apps: the known vector, two steps of time, and nothing but six ASCII digits."""

from __future__ import annotations

import base64

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.authenticator import matching_step, new_seed, seed_text, seed_uri
from crypto.otp import parse_otp

SEED = b"12345678901234567890"
"""Of RFC 6238, appendix B, whose code at 59 seconds is 94287082: here its last six digits."""


def test_the_vector_of_the_rfc():
    assert matching_step(SEED, "287082", 59) == 1


@pytest.mark.parametrize(("unix", "step"), [(30, 1), (59, 1), (60, 1), (89, 1), (90, None)])
def test_a_code_matches_in_its_step_and_the_next(unix, step):
    assert matching_step(SEED, "287082", unix) == step


@pytest.mark.parametrize("code", ["", "28708", "2870820", "287 082", "28708a", "\uff12" * 6, "287082\n"])
def test_nothing_but_six_digits_is_looked_at(code):
    assert matching_step(SEED, code, 59) is None


@given(st.text())
def test_nothing_that_is_typed_breaks_the_check(code):
    assert matching_step(SEED, code, 59) in {None, 0, 1}


def test_a_code_of_the_next_step_is_too_early():
    early = pyotp.TOTP(base64.b32encode(SEED).decode()).generate_otp(3)
    assert matching_step(SEED, early, 89) is None
    assert matching_step(SEED, early, 90) == 3


def test_a_seed_has_160_bits_and_is_read_back_from_both_forms():
    seed = new_seed()
    assert len(seed) == 20
    assert parse_otp(seed_text(seed)).seed == seed
    linked = parse_otp(seed_uri(seed, "mia@northwind.example", "Chatelaine"))
    assert (linked.seed, linked.account, linked.issuer) == (seed, "mia@northwind.example", "Chatelaine")
