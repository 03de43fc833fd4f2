"""Tokens and session ids have one spelling each, and show their secret nowhere."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.tokens import (
    KINDS,
    ParsedToken,
    derive_token,
    encode_session_id,
    new_session_id,
    new_token,
    parse_session_id,
    parse_token,
    same,
)
from tests.crypto.known import VECTORS

GOOD = VECTORS["tokens"][0]["text"]


def with_checksum(body):
    """Return *body* with the checksum that belongs to it, however malformed the body."""
    return f"{body}_{hashlib.sha256(body.encode()).hexdigest()[:6]}"


@pytest.mark.parametrize("token", VECTORS["tokens"], ids=lambda token: token["kind"])
def test_each_known_token_is_read(token):
    wanted = ParsedToken(token["kind"], token["lookup_id"], bytes.fromhex(token["secret"]))
    assert parse_token(token["text"]) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_token_reads_back_as_its_parts(kind):
    text, parsed = new_token(kind)
    assert parse_token(text) == parsed
    assert parsed.kind == kind
    assert re.fullmatch(rf"chl_{kind}_[0-9a-f]{{8}}_[A-Za-z0-9_-]{{43}}_[0-9a-f]{{6}}", text)


def test_new_tokens_never_repeat():
    parsed = [new_token("api")[1] for _ in range(1000)]
    assert len({token.secret for token in parsed}) == 1000
    assert len({token.lookup_id for token in parsed}) > 990


def test_a_token_of_an_unknown_kind_is_not_made():
    with pytest.raises(ValueError, match="signin, api, enrol"):
        new_token("root")


def test_the_secret_is_not_in_the_text_forms_of_a_parsed_token():
    parsed = parse_token(GOOD)
    assert repr(parsed) == str(parsed) == "ParsedToken(kind='signin', lookup_id='86c2764b')"


BODY = GOOD[:-7]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " " + GOOD,
        GOOD + " ",
        GOOD + "\n",
        GOOD[:-1],
        GOOD[1:],
        GOOD + "0",
        GOOD.upper(),
        GOOD.swapcase(),
        BODY,
        BODY + "_",
        BODY + "_000000",
        GOOD[:-6] + GOOD[-6:].upper(),
        with_checksum(BODY.replace("signin", "root")),
        with_checksum(BODY.replace("signin", "")),
        with_checksum(BODY.replace("chl", "CHL")),
        with_checksum(BODY.replace("86c2764b", "86C2764B")),
        with_checksum(BODY.replace("86c2764b", "86c2764")),
        with_checksum(BODY.replace("86c2764b", "86c2764bb")),
        with_checksum(BODY.replace("86c2764b", "٨6c2764b")),
        with_checksum(BODY + "A"),
        with_checksum(BODY[:-1]),
        with_checksum(BODY[:-1] + "="),
        with_checksum(BODY.replace("_ru7", "/ru7")),
        with_checksum(BODY.replace("_ru7", "+ru7")),
        with_checksum(BODY.replace("WXV8", "WXVé")),
        GOOD.replace("_93568b", "_٩3568b"),
    ],
)
def test_a_malformed_token_is_none(text):
    assert text != GOOD
    assert parse_token(text) is None


def test_the_checksum_of_these_malformed_tokens_is_the_real_one():
    assert with_checksum(BODY) == GOOD


def test_the_other_spellings_of_the_same_32_bytes_are_refused():
    # "E" ends the known token; F, G and H differ only in the two bits that are cut off.
    for last in "FGH":
        assert parse_token(with_checksum(BODY[:-1] + last)) is None


def test_every_single_changed_character_is_noticed():
    for place, character in enumerate(GOOD):
        other = "b" if character == "a" else "a"
        assert parse_token(GOOD[:place] + other + GOOD[place + 1 :]) is None


@given(st.text(max_size=120))
def test_any_text_is_answered_without_an_error(text):
    assert parse_token(text) is None
    assert parse_session_id(text) is None or len(text) == 43


# Texts that are no token in the one form


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_stands_for_parts_of_its_own(one, two):
    parts = derive_token(one)
    assert (parts.kind, len(parts.secret)) == ("signin", 32)
    assert re.fullmatch(r"[0-9a-f]{8}", parts.lookup_id)
    assert (parts.secret == derive_token(two).secret) == (one == two)


def test_the_visible_handle_of_a_derived_token_tells_nothing_about_its_secret():
    parts = derive_token("any long random text")
    assert parts.lookup_id not in parts.secret.hex()
    assert derive_token("any long random text\ud800").secret != parts.secret


# Sessions


def test_a_session_id_is_32_random_bytes_in_43_characters():
    ids = {new_session_id() for _ in range(1000)}
    assert len(ids) == 1000
    for session_id in ids:
        text = encode_session_id(session_id)
        assert (len(session_id), len(text)) == (32, 43)
        assert parse_session_id(text) == session_id


@pytest.mark.parametrize(
    "bad", ["", "A" * 42, "A" * 44, "A" * 43 + "=", "A" * 42 + "B", "+" + "A" * 42, "é" * 43]
)
def test_a_malformed_session_id_is_none(bad):
    assert parse_session_id("A" * 43) == bytes(32)
    assert parse_session_id(bad) is None


def test_digests_are_compared_whole():
    assert same(b"digest", bytearray(b"digest"))
    assert not same(b"digest", b"digesT")
    assert not same(b"digest", b"digest0")
    assert not same(b"digest", b"")
