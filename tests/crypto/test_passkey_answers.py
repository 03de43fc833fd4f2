"""What a browser brings from a passkey, in JSON: taken apart strictly, or not at all."""

from __future__ import annotations

import pytest

from crypto.passkey_answers import Fault, Refused, read_new, read_use
from tests.authenticator import ORIGIN, Device, to_text

HANDLE = b"0123456789abcdef"
ASKED = {"challenge": to_text(b"a question"), "user": {"id": to_text(HANDLE)}}


@pytest.fixture
def device():
    return Device()


def fault_of(read, sent):
    with pytest.raises(Refused) as caught:
        read(sent)
    return caught.value.fault


def test_an_answer_says_what_it_answers_and_where(device):
    made = read_new(device.make(ASKED, transports=["internal"]))
    assert (made.kind, made.challenge, made.origin) == ("webauthn.create", b"a question", ORIGIN)
    assert not made.embedded
    used = read_use(device.use(ASKED, embedded=True))
    assert (used.kind, used.credential_id) == ("webauthn.get", made.credential_id)
    assert used.embedded


@pytest.mark.parametrize("sent", [None, [], "text", 1, {}, {"response": []}, {"response": {}}])
def test_what_is_no_answer_is_refused(sent):
    assert fault_of(read_new, sent) is Fault.MALFORMED
    assert fault_of(read_use, sent) is Fault.MALFORMED


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("rawId", ""),
        ("rawId", to_text(bytes(1024))),
        ("rawId", "a"),
        ("rawId", "ab=="),
        ("rawId", "a b"),
        ("rawId", None),
        ("type", "password"),
        ("type", None),
        ("response.clientDataJSON", to_text(b"[]")),
        ("response.clientDataJSON", to_text(b"not json")),
        ("response.clientDataJSON", to_text(b"\xff")),
        ("response.clientDataJSON", to_text(b"[" * 9000)),
        ("response.clientDataJSON", 7),
        ("response.authenticatorData", None),
        ("response.signature", {}),
        ("response.userHandle", 5),
        ("response.userHandle", "ä"),
    ],
)
def test_an_answer_of_another_form_is_refused(device, part, value):
    device.make(ASKED)
    sent = device.use(ASKED)
    *outer, name = part.split(".")
    (sent["response"] if outer else sent)[name] = value
    assert fault_of(read_use, sent) is Fault.MALFORMED


def test_a_device_need_not_say_whose_it_is(device):
    device.make(ASKED)
    sent = device.use(ASKED)
    assert read_use(sent).user_handle == HANDLE
    sent["response"]["userHandle"] = None
    assert read_use(sent).user_handle is None
    del sent["response"]["userHandle"]
    assert read_use(sent).user_handle is None


@pytest.mark.parametrize(
    ("transports", "read"),
    [
        (["usb", "internal", "usb"], ("internal", "usb")),
        (["telepathy", 5, None, {}], ()),
        ("usb", ()),
        (None, ()),
    ],
)
def test_of_ways_to_the_device_the_known_ones_are_kept(device, transports, read):
    sent = device.make(ASKED)
    sent["response"]["transports"] = transports
    assert read_new(sent).transports == read
