"""Stored authenticators give the codes that every other program gives."""

from __future__ import annotations

import base64
import hashlib

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.otp import Otp, code_at, parse_otp, seconds_left, to_uri

TWENTY = b"12345678901234567890"
SEED = "JBSWY3DPEHPK3PXP"
DIGESTS = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}
RFC_SEEDS = {"SHA1": TWENTY, "SHA256": (TWENTY * 2)[:32], "SHA512": (TWENTY * 4)[:64]}
RFC_6238_APPENDIX_B = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]

otps = st.builds(
    Otp,
    seed=st.binary(min_size=14, max_size=80),
    algorithm=st.sampled_from(sorted(DIGESTS)),
    digits=st.integers(6, 8),
    period=st.integers(5, 120),  # pyotp takes no longer ones; ours go to 300
)
times = st.integers(0, 2**37)  # pyotp ends with the year 9999


# Codes


@pytest.mark.parametrize(("unix", "sha1", "sha256", "sha512"), RFC_6238_APPENDIX_B)
def test_the_vectors_of_the_rfc_are_met(unix, sha1, sha256, sha512):
    made = [code_at(Otp(seed, algorithm, 8), unix) for algorithm, seed in RFC_SEEDS.items()]
    assert made == [sha1, sha256, sha512]


@given(otps, times)
def test_codes_are_those_of_pyotp(otp, unix):
    theirs = pyotp.TOTP(
        base64.b32encode(otp.seed).decode(),
        digits=otp.digits,
        digest=DIGESTS[otp.algorithm],
        interval=otp.period,
    )
    assert code_at(otp, unix) == theirs.at(unix)


def test_a_seed_of_80_bits_gives_codes():
    otp = parse_otp(SEED)
    assert len(otp.seed) == 10
    assert code_at(otp, 0) == "282760"


def test_a_code_lives_for_its_period_and_no_longer():
    otp = Otp(TWENTY, period=30)
    assert [seconds_left(otp, unix) for unix in (0, 1, 29, 30, 59)] == [30, 29, 1, 30, 1]
    assert code_at(otp, 29) == code_at(otp, 0) != code_at(otp, 30)
    assert code_at(Otp(TWENTY, period=300), 300 * 41) == code_at(otp, 30 * 41)


# Reading seeds


@pytest.mark.parametrize(
    "text",
    [
        SEED,
        SEED.lower(),
        "jbsw y3dp ehpk 3pxp",
        "JBSW-Y3DP-EHPK-3PXP",
        f"  {SEED}\n",
        "JBSW\u00a0Y3DP\tEHPK 3PXP",
        f"otpauth://totp/x?secret={SEED}",
        f"OTPAUTH://TOTP/x?SECRET={SEED.lower()}",
        f"  otpauth://totp/x?secret={SEED}  ",
        f"otpauth://totp/?secret={SEED}&image=https%3A%2F%2Fexample.com%2Fx.png",
        "otpauth://totp/x?secret=JBSW%20Y3DP%20EHPK%203PXP",
    ],
)
def test_a_seed_is_read_however_it_was_pasted(text):
    otp = parse_otp(text)
    assert otp.seed == b"Hello!\xde\xad\xbe\xef"
    assert (otp.algorithm, otp.digits, otp.period) == ("SHA1", 6, 30)


@given(st.binary(min_size=10, max_size=70), st.booleans())
def test_any_seed_is_read_with_or_without_padding(seed, padded):
    text = base64.b32encode(seed).decode()
    assert parse_otp(text if padded else text.rstrip("=")).seed == seed


def test_a_whole_link_is_read():
    otp = parse_otp(
        "otpauth://totp/ACME%20Co:john.doe@email.com?secret=HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ"
        "&issuer=ACME%20Co&algorithm=SHA-256&digits=8&period=60"
    )
    assert (otp.issuer, otp.account) == ("ACME Co", "john.doe@email.com")
    assert (otp.algorithm, otp.digits, otp.period, len(otp.seed)) == ("SHA256", 8, 60, 20)


@pytest.mark.parametrize(
    ("label", "issuer", "account"),
    [
        ("Big%20Corp%3Aalice", "Big Corp", "alice"),
        ("Big%20Corp:%20alice", "Big Corp", "alice"),
        ("alice", "", "alice"),
        ("alice?issuer=Big+Corp", "Big Corp", "alice"),
        ("Old:alice?issuer=New", "New", "alice"),
        ("a:b:alice?issuer=a:b", "a:b", "alice"),
        ("", "", ""),
    ],
)
def test_issuer_and_account_are_read_from_the_label(label, issuer, account):
    joined = "&" if "?" in label else "?"
    otp = parse_otp(f"otpauth://totp/{label}{joined}secret={SEED}")
    assert (otp.issuer, otp.account) == (issuer, account)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Enter the seed"),
        (" - ", "Enter the seed"),
        ("otpauth://totp/x", "Enter the seed"),
        ("otpauth://totp/x?secret=", "Enter the seed"),
        ("JBSWY3DPEHPK3PX1", "letters A to Z and the digits 2 to 7"),
        ("JBSWY3DPEHPK3PXß", "letters A to Z and the digits 2 to 7"),
        ("JBSWY3DPEHPK3PX\u0131", "letters A to Z and the digits 2 to 7"),
        ("JBSW=Y3DPEHPK3PXP", "letters A to Z and the digits 2 to 7"),
        ("hello world!", "letters A to Z and the digits 2 to 7"),
        ("https://example.com", "letters A to Z and the digits 2 to 7"),
        (SEED + "A", "lacks a character or has one too many"),
        (SEED + "ABC", "lacks a character or has one too many"),
        (SEED + "ABCDEF", "lacks a character or has one too many"),
        ("JBSWY3DPEHPK3P", "lacks a character or has one too many"),
        ("JBSWY3DPEHPK3", "too short"),
        (f"otpauth://hotp/x?secret={SEED}&counter=1", "otpauth://totp/"),
        (f"otpauth://x?secret={SEED}", "otpauth://totp/"),
        (f"otpauth:{SEED}", "otpauth://totp/"),
        (f"otpauth://[{SEED}?secret={SEED}", "cannot be read"),
        (f"otpauth://totp/x?secret={SEED}" + "&a=1" * 40, "cannot be read"),
        (f"otpauth://totp/x?secret={SEED}&secret={SEED}", "the same thing twice"),
        (f"otpauth://totp/x?secret={SEED}&SECRET=JBSWY3DPEHPK3PXQ", "the same thing twice"),
        (f"otpauth://totp/x?secret={SEED}&algorithm=MD5", "SHA1, SHA256 or SHA512"),
        (f"otpauth://totp/x?secret={SEED}&digits=5", "digits from 6 to 8"),
        (f"otpauth://totp/x?secret={SEED}&digits=9", "digits from 6 to 8"),
        (f"otpauth://totp/x?secret={SEED}&digits=six", "digits from 6 to 8"),
        (f"otpauth://totp/x?secret={SEED}&digits=%D9%A6", "digits from 6 to 8"),
        (f"otpauth://totp/x?secret={SEED}&period=4", "a period in seconds from 5 to 300"),
        (f"otpauth://totp/x?secret={SEED}&period=301", "a period in seconds from 5 to 300"),
        (f"otpauth://totp/x?secret={SEED}&period=0", "a period in seconds from 5 to 300"),
        (f"otpauth://totp/x?secret={SEED}&period=-30", "a period in seconds from 5 to 300"),
        (SEED * 300, "too long"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence_that_never_shows_the_seed(text, words):
    with pytest.raises(ValueError, match=words) as caught:
        parse_otp(text)
    assert SEED[:6] not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.text(max_size=100), st.booleans())
def test_any_text_is_read_or_refused_with_a_sentence(text, link):
    try:
        answer = code_at(parse_otp(f"otpauth://totp/{text}" if link else text), 0)
    except ValueError as refused:
        answer = str(refused)
    assert answer.isdigit() or answer.endswith(".")


def test_the_text_form_hides_the_seed():
    otp = Otp(TWENTY, issuer="ACME", account="alice")
    assert "123456" not in repr(otp)
    assert "alice" in repr(otp)


# Links


labels = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters=":"), min_size=1, max_size=30
)


@given(otps, labels, labels)
def test_a_link_reads_back_as_what_it_was_made_of(otp, issuer, account):
    for whole in (
        Otp(otp.seed, otp.algorithm, otp.digits, otp.period, issuer, account),
        Otp(otp.seed, otp.algorithm, otp.digits, otp.period, "", account),
        otp,
    ):
        assert parse_otp(to_uri(whole)) == whole


@given(otps, times)
def test_other_programs_read_our_links_as_we_do(otp, unix):
    named = Otp(otp.seed, otp.algorithm, otp.digits, otp.period, "Big Corp & Sons", "alice@example.com")
    theirs = pyotp.parse_uri(to_uri(named))
    assert theirs.at(unix) == code_at(named, unix)
    assert (theirs.issuer, theirs.name) == (named.issuer, named.account)
