"""The envelope opens for its own key, kind, number and place, and for nothing else."""

from __future__ import annotations

from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import envelope as envelope_module
from crypto.context import key_context, record_context
from crypto.envelope import (
    KIND_RECORD,
    KIND_WRAPPED_KEY,
    OVERHEAD,
    DecryptionError,
    key_number_of,
    open_envelope,
    seal,
)
from tests.crypto.known import VECTORS

KEY = bytes(range(32))
CONTEXT = b"somewhere"

uuids = st.uuids()
names = st.text(max_size=40)
versions = st.integers(0, 2**32 - 1)


def sealed(plaintext=b"correct horse", **changes):
    return seal(KEY, plaintext, **{"kind": KIND_RECORD, "key_number": 3, "context": CONTEXT} | changes)


def opened(envelope, key=KEY, **changes):
    return open_envelope(
        key, envelope, **{"kind": KIND_RECORD, "key_number": 3, "context": CONTEXT} | changes
    )


def seal_frame(frame):
    """Seal *frame* as it is, whole and authentic, however wrong its inside."""
    salt, header = bytes(32), envelope_module.HEADER.pack(1, KIND_RECORD, 1, 3)
    okm = envelope_module.derive(KEY, salt, header, CONTEXT)
    prelude = header + salt + okm[44:]
    return prelude + AESGCM(okm[:32]).encrypt(okm[32:44], frame, prelude)


# Known answers


@pytest.mark.parametrize("record", VECTORS["records"])
def test_each_known_record_is_sealed_and_opened_to_the_byte(record, vectors, instance, organization):
    place = (record["table"], UUID(vectors["record"]), record["field"], record["revision"])
    context = record_context(instance, organization, *place)
    assert context.hex() == record["context"]
    how = {"kind": KIND_RECORD, "key_number": vectors["data_key_version"], "context": context}
    key = bytes.fromhex(vectors["data_key"])
    plaintext, envelope = bytes.fromhex(record["plaintext"]), bytes.fromhex(record["envelope"])
    assert seal(key, plaintext, salt=bytes.fromhex(record["salt"]), **how) == envelope
    assert open_envelope(key, envelope, **how) == plaintext


@pytest.mark.parametrize("refused", VECTORS["refused"], ids=lambda refused: refused["why"])
def test_each_known_bad_record_is_refused_by_a_room_that_has_its_key(refused, vectors, build_room):
    organization, data_key = UUID(refused["organization"]), bytes.fromhex(vectors["data_key"])
    # The same key under both numbers and in the asked-for place, so that only the checks refuse.
    keys = {(organization, "data", version): data_key for version in (2, 3)}
    room = build_room(keys, at=UUID(refused["instance"]))
    place = (refused["table"], UUID(refused["record"]), refused["field"], refused["revision"])
    with pytest.raises(DecryptionError) as caught:
        room.decrypt(organization, *place, bytes.fromhex(refused["envelope"]))
    assert str(caught.value) == ""
    assert caught.value.__cause__ is None


def test_the_room_of_the_refused_records_opens_the_good_ones(vectors, organization, build_room):
    keys = {(organization, "data", version): bytes.fromhex(vectors["data_key"]) for version in (2, 3)}
    room = build_room(keys)
    for record in vectors["records"]:
        place = (record["table"], UUID(vectors["record"]), record["field"], record["revision"])
        value = room.decrypt(organization, *place, bytes.fromhex(record["envelope"]))
        assert value.hex() == record["plaintext"]


# What is refused


@pytest.mark.parametrize("plaintext", [b"", b"x", b"y" * 28, b"z" * 29])
def test_any_single_bit_flipped_anywhere_is_refused(plaintext):
    envelope = sealed(plaintext)
    for position in range(len(envelope) * 8):
        altered = bytearray(envelope)
        altered[position // 8] ^= 1 << position % 8
        with pytest.raises(DecryptionError):
            opened(bytes(altered))


def test_any_truncation_at_either_end_is_refused():
    envelope = sealed(b"z" * 60)
    for cut in range(1, len(envelope) + 1):
        with pytest.raises(DecryptionError):
            opened(envelope[:-cut])
        with pytest.raises(DecryptionError):
            opened(envelope[cut:])


@given(st.binary(min_size=1, max_size=200), st.booleans())
def test_any_extension_is_refused(extra, in_front):
    envelope = sealed()
    with pytest.raises(DecryptionError):
        opened(extra + envelope if in_front else envelope + extra)


@given(st.binary(max_size=400))
def test_bytes_that_nobody_sealed_are_refused(junk):
    with pytest.raises(DecryptionError):
        opened(junk)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_value_opens_only_in_its_own_context(context, other):
    envelope = sealed(context=context)
    assert opened(envelope, context=context) == b"correct horse"
    if context != other:
        with pytest.raises(DecryptionError):
            opened(envelope, context=other)


def test_a_value_opens_only_under_its_own_key():
    for bit in range(256):
        other = bytearray(KEY)
        other[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DecryptionError):
            opened(sealed(), key=bytes(other))


def test_a_value_opens_only_under_the_number_and_kind_it_was_sealed_with():
    with pytest.raises(DecryptionError):
        opened(sealed(key_number=2))
    with pytest.raises(DecryptionError):
        opened(sealed(kind=KIND_WRAPPED_KEY))
    assert opened(sealed(key_number=2), key_number=2) == b"correct horse"


def test_the_parts_of_two_envelopes_cannot_be_put_together():
    one, two = sealed(), sealed()
    for cut in (24, 40, 72, len(one) - 16):
        with pytest.raises(DecryptionError):
            opened(one[:cut] + two[cut:])


@pytest.mark.parametrize(
    "frame",
    [
        b"\0\0\0\1x" + bytes(26) + b"\1",
        b"\0\0\0\1x" + bytes(26 + 33),
        b"\0\0\0\x1d" + bytes(28),
        b"\xff\xff\xff\xff" + bytes(28),
    ],
    ids=["padding not zero", "padding not minimal", "length one too far", "length far too far"],
)
def test_an_authentic_frame_with_a_wrong_inside_is_refused(frame):
    with pytest.raises(DecryptionError):
        opened(seal_frame(frame))


def test_an_authentic_frame_with_a_right_inside_opens():
    assert opened(seal_frame(b"\0\0\0\1x" + bytes(27))) == b"x"


# The header alone


def test_the_key_number_is_read_only_from_an_acceptable_header():
    envelope = sealed()
    assert key_number_of(envelope, kind=KIND_RECORD) == 3
    for bad in (
        b"",
        envelope[:8],
        envelope[:OVERHEAD],
        envelope[:-1],
        envelope + b"\0",
        b"\2" + envelope[1:],
        b"\1\3" + envelope[2:],
        b"\1\1\0\2" + envelope[4:],
    ):
        with pytest.raises(DecryptionError):
            key_number_of(bad, kind=KIND_RECORD)
    with pytest.raises(DecryptionError):
        key_number_of(envelope, kind=KIND_WRAPPED_KEY)


# What is promised of good values


@settings(deadline=None)
@given(st.binary(max_size=5000), st.binary(max_size=100), versions)
def test_any_bytes_come_back_and_sizes_are_as_documented(plaintext, context, number):
    envelope = sealed(plaintext, context=context, key_number=number)
    frame = -(-(4 + len(plaintext)) // 32) * 32
    assert len(envelope) == 88 + frame
    assert key_number_of(envelope, kind=KIND_RECORD) == number
    assert opened(envelope, context=context, key_number=number) == plaintext


def test_salts_never_repeat_and_neither_does_anything_after_them():
    envelopes = [sealed() for _ in range(1000)]
    for part in (slice(8, 40), slice(40, 72), slice(72, -16), slice(-16, None)):
        assert len({envelope[part] for envelope in envelopes}) == 1000


@pytest.mark.parametrize(
    "wrong",
    [{"key": KEY[:31]}, {"key": KEY + b"x"}, {"key": b""}, {"salt": bytes(31)}, {"kind": 3}, {"kind": 0}],
    ids=str,
)
def test_a_caller_with_a_wrong_key_salt_or_kind_is_told(wrong):
    arguments = {"key": KEY, "plaintext": b"", "kind": KIND_RECORD, "key_number": 1, "context": b""}
    with pytest.raises(ValueError, match="32-byte key"):
        seal(**arguments | wrong)


@pytest.mark.parametrize("key", [b"", KEY[:31], KEY + b"x"])
def test_opening_with_a_key_of_another_length_is_a_fault_of_the_caller(key):
    with pytest.raises(ValueError, match="32 bytes"):
        opened(sealed(), key=key)


# Contexts


@given(
    st.lists(
        st.tuples(uuids, uuids, names, uuids, names, st.integers(0, 2**64 - 1)),
        min_size=2,
        max_size=2,
        unique=True,
    )
)
def test_two_places_of_records_never_share_a_context(places):
    one, two = places
    assert record_context(*one) != record_context(*two)


@given(uuids, uuids, uuids, st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_letters_cannot_move_from_the_table_to_the_field(instance, organization, record, table, field):
    moved = record_context(instance, organization, table[:-1], record, table[-1] + field, 1)
    assert record_context(instance, organization, table, record, field, 1) != moved


@given(st.lists(st.tuples(uuids, uuids, names, versions), min_size=2, max_size=2, unique=True))
def test_two_places_of_keys_never_share_a_context(places):
    one, two = places
    assert key_context(*one) != key_context(*two)


@given(uuids, uuids, names, uuids, names)
def test_a_record_and_a_key_never_share_a_context(instance, organization, table, record, field):
    record_place = record_context(instance, organization, table, record, field, 1)
    assert record_place != key_context(instance, organization, table, 1)


def test_a_revision_outside_64_bits_is_a_fault_of_the_caller():
    nobody = UUID(int=0)
    for revision in (-1, 2**64):
        with pytest.raises(OverflowError):
            record_context(nobody, nobody, "item", nobody, "details", revision)
