"""What a browser brings from a passkey: read strictly, checked against one site, refused by its reason."""

from __future__ import annotations

import json
from contextlib import suppress

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.passkey_answers import (
    CHALLENGE_LEN,
    Fault,
    Known,
    Refused,
    Site,
    new_challenge,
    read_new,
    read_use,
)
from crypto.passkeys import ask_for_new, ask_for_use, check_new, check_use
from tests.authenticator import (
    ATTESTED,
    COPIED,
    HOST,
    ORIGIN,
    PRESENT,
    SYNCED,
    VERIFIED,
    Device,
    to_bytes,
    to_text,
)

SITE = Site(HOST, (ORIGIN,))
HANDLE = b"0123456789abcdef"
MINUTES = 300_000


def ask_new(known=()):
    asked = {"handle": HANDLE, "account": "mia@northwind.example", "name": "Mia", "known": known}
    return ask_for_new(SITE, new_challenge(), lasts=MINUTES, **asked)


def ask_use(known=()):
    return ask_for_use(SITE, new_challenge(), known=known, lasts=MINUTES)


def make(device, **lies):
    return check_new(read_new(device.make(ask_new(), **lies)), SITE)


def refused(work, *arguments, **lies):
    with pytest.raises(Refused) as caught:
        work(*arguments, **lies)
    return caught.value.fault


@pytest.fixture
def device():
    return Device()


@pytest.fixture
def use(device):
    """Use the passkey that the device has just made."""
    made = make(device)

    def use(**lies):
        return check_use(read_use(device.use(ask_use(), **lies)), SITE, made.public_key)

    return use


# Asking


def test_a_new_passkey_is_asked_for_with_verification_and_without_attestation():
    asked = ask_new([Known(b"held", ("internal", "usb"))])
    assert asked["rp"] == {"name": "Chatelaine", "id": "localhost"}
    assert asked["attestation"] == "none"
    assert asked["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert [each["alg"] for each in asked["pubKeyCredParams"]] == [-8, -7, -257]
    assert asked["excludeCredentials"] == [
        {"id": to_text(b"held"), "type": "public-key", "transports": ["internal", "usb"]}
    ]
    assert asked["timeout"] == MINUTES
    assert len(to_bytes(asked["challenge"])) == CHALLENGE_LEN == 32
    json.dumps(asked)


def test_a_use_is_asked_for_with_verification():
    asked = ask_use([Known(b"held", ())])
    assert asked["userVerification"] == "required"
    assert asked["rpId"] == "localhost"
    assert asked["allowCredentials"] == [{"id": to_text(b"held"), "type": "public-key"}]
    assert asked["timeout"] == MINUTES
    assert ask_use()["allowCredentials"] == []


def test_no_two_challenges_are_alike():
    assert len({new_challenge() for _ in range(100)}) == 100


# Made


def test_what_was_made_is_told(device):
    made = make(device)
    assert (made.counter, made.synced, made.copied) == (0, False, False)
    assert cbor2.loads(made.public_key)[3] == -7


@pytest.mark.parametrize(
    ("flags", "synced", "copied"), [(0, False, False), (SYNCED, True, False), (SYNCED | COPIED, True, True)]
)
def test_whether_it_may_be_copied_is_told(device, flags, synced, copied):
    made = make(device, flags=PRESENT | VERIFIED | flags)
    assert (made.synced, made.copied) == (synced, copied)


def test_an_attestation_is_not_looked_at(device):
    """A device may send one unasked: of its own key, or one that no longer means anything."""
    sent = device.make(ask_new())
    attested = cbor2.loads(to_bytes(sent["response"]["attestationObject"]))
    attested |= {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"nonsense", "x5c": [b"no certificate"]}}
    sent["response"]["attestationObject"] = to_text(cbor2.dumps(attested))
    assert check_new(read_new(sent), SITE).public_key


LIES = [
    ({"origin": "https://localhost.evil.example"}, Fault.ORIGIN),
    ({"origin": "http://localhost:8001"}, Fault.ORIGIN),
    ({"origin": "https://localhost:8000"}, Fault.ORIGIN),
    ({"origin": ORIGIN + "/"}, Fault.ORIGIN),
    ({"host": "evil.example"}, Fault.ORIGIN),
    ({"embedded": True}, Fault.ORIGIN),
    ({"embedded": "yes"}, Fault.ORIGIN),
    ({"flags": PRESENT}, Fault.UNVERIFIED),
    ({"origin": ["http://localhost:8000"]}, Fault.MALFORMED),
    ({"origin": None}, Fault.MALFORMED),
    ({"challenge": 5}, Fault.MALFORMED),
    ({"challenge": "ä"}, Fault.MALFORMED),
    ({"kind": 1}, Fault.MALFORMED),
]


@pytest.mark.parametrize(("lies", "fault"), LIES)
def test_a_new_passkey_of_another_place_or_kind_is_refused(device, lies, fault):
    assert refused(make, device, **lies) is fault


@pytest.mark.parametrize(
    "lies",
    [
        {"kind": "webauthn.get"},
        {"flags": VERIFIED},
        {"flags": PRESENT | VERIFIED | COPIED},
        {"alg": -65535},
        {"cose": b"\x04"},
        {"cose": b""},
        {"cose": b"\xff\xff"},
        {"cose": []},
        {"cose": {}},
        {"cose": {1: 2, 3: -7, -1: 1, -2: b"x" * 32, -3: b"y" * 32}},
        {"cose": {1: 2, 3: -7, -1: 9, -2: b"x" * 32, -3: b"y" * 32}},
        {"cose": {1: 1, 3: -8, -1: 6, -2: b"short"}},
        {"cose": {1: 3, 3: -257, -1: b"\x01", -2: b"\x01"}},
        {"cose": {1: "OKP", 3: -8}},
    ],
)
def test_a_new_passkey_with_a_key_of_no_use_is_refused(device, lies):
    assert refused(make, device, **lies) is Fault.MALFORMED


def test_a_new_passkey_must_name_itself_as_its_device_does(device):
    sent = device.make(ask_new())
    sent["rawId"] = to_text(b"another")
    assert refused(check_new, read_new(sent), SITE) is Fault.MALFORMED


# Used


def test_a_use_tells_its_counter(use):
    assert use().counter == 1
    assert use().counter == 2


@pytest.mark.parametrize(("lies", "fault"), LIES)
def test_a_use_at_another_place_or_of_another_kind_is_refused(use, lies, fault):
    assert refused(use, **lies) is fault


@pytest.mark.parametrize("lies", [{"kind": "webauthn.create"}, {"flags": VERIFIED}])
def test_what_is_no_use_is_refused(use, lies):
    assert refused(use, **lies) is Fault.SIGNATURE


def test_the_signature_of_another_key_is_refused(device, use):
    other = Device()
    other_key = make(other).public_key
    answer = read_use(device.use(ask_use()))
    assert refused(check_use, answer, SITE, other_key) is Fault.SIGNATURE


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_one_changed_bit_is_refused(device, part):
    made = make(device)
    sent = device.use(ask_use())
    content = bytearray(to_bytes(sent["response"][part]))
    # Of the client data the last letter of the challenge, of the others the last bit.
    place = content.index(b'", "origin"') - 1 if part == "clientDataJSON" else len(content) - 1
    content[place] ^= 1
    sent["response"][part] = to_text(bytes(content))
    assert refused(check_use, read_use(sent), SITE, made.public_key) is Fault.SIGNATURE


# Whatever comes


def changed(sent, part, start, cut, put_in):
    """Return *sent* with a piece of one part cut out, and another put in."""
    content = to_bytes(sent["response"][part])
    start %= len(content) + 1
    sent["response"][part] = to_text(content[:start] + put_in + content[start + cut :])
    return sent


POSITION, CUT, PUT_IN = st.integers(0, 500), st.integers(0, 12), st.binary(max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["clientDataJSON", "attestationObject"]), POSITION, CUT, PUT_IN)
def test_no_bytes_of_a_new_passkey_do_more_than_be_refused(part, start, cut, put_in):
    sent = changed(Device().make(ask_new()), part, start, cut, put_in)
    with suppress(Refused):
        check_new(read_new(sent), SITE)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["clientDataJSON", "authenticatorData", "signature"]), POSITION, CUT, PUT_IN)
def test_no_bytes_of_a_use_do_more_than_be_refused(part, start, cut, put_in):
    device = Device()
    key = make(device).public_key
    sent = changed(device.use(ask_use()), part, start, cut, put_in)
    with suppress(Refused):
        check_use(read_use(sent), SITE, key)


@settings(max_examples=200, deadline=None)
@given(
    key=st.recursive(
        st.none() | st.booleans() | st.integers(-300, 300) | st.binary(max_size=70) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-3, 3), inner, max_size=6),
        max_leaves=8,
    )
)
def test_no_key_whatever_does_more_than_be_refused(key):
    with suppress(Refused):
        check_new(read_new(Device().make(ask_new(), cose=key)), SITE)


def test_the_flag_for_a_new_key_is_needed(device):
    sent = device.make(ask_new())
    attested = cbor2.loads(to_bytes(sent["response"]["attestationObject"]))
    data = bytearray(attested["authData"])
    data[32] &= ~ATTESTED
    sent["response"]["attestationObject"] = to_text(cbor2.dumps(attested | {"authData": bytes(data[:37])}))
    assert refused(check_new, read_new(sent), SITE) is Fault.MALFORMED
