"""Master keys, the rows of data_key and what the opened keys do."""

from __future__ import annotations

import base64
import copy
import hashlib
import pickle
import threading
import unicodedata
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.context import key_context
from crypto.envelope import KIND_WRAPPED_KEY, DecryptionError, seal
from crypto.keyring import (
    ORGANIZATION_PURPOSES,
    SYSTEM,
    SYSTEM_PURPOSES,
    KeyRoom,
    MasterKeys,
    MissingKey,
    StoredKey,
    fresh_key,
    generate_master_key,
    missing_master_ids,
)
from crypto.master_keys import expand
from tests.crypto.known import VECTORS

ONE, TWO = "J8jQQNZc3LR5uU2HQ2cJmBXZQzdD09iDaXe8Ciz4BkI=", base64.urlsafe_b64encode(b"\xfb\xff" * 16).decode()
COLLIDING = (33382, 33626)
ITEM = ("item", UUID(int=7), "details", 1)


def system_room(build_room, purpose, key):
    return build_room({(SYSTEM, purpose, 1): key})


@pytest.fixture
def full_room(build_room, organization):
    keys = {(SYSTEM, purpose, 1): fresh_key() for purpose in SYSTEM_PURPOSES}
    keys |= {(organization, purpose, 1): fresh_key() for purpose in ORGANIZATION_PURPOSES}
    return build_room(keys)


# Master keys


def test_the_first_key_is_primary_and_all_are_named_by_their_id(vectors):
    masters = MasterKeys.parse(f"{ONE}:{TWO}")
    assert masters.primary_id == vectors["key_id"] == masters.ids[0]
    assert len(masters.ids) == 2
    assert MasterKeys.parse(f"{TWO}:{ONE}").ids == masters.ids[::-1]


def test_a_key_may_come_without_its_padding():
    assert MasterKeys.parse(ONE.rstrip("=")).ids == MasterKeys.parse(ONE).ids


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Key 1 is empty."),
        (":", "Key 1 is empty."),
        (f"{ONE}:", "Key 2 is empty."),
        (f":{ONE}", "Key 1 is empty."),
        (f"{ONE}::{TWO}", "Key 2 is empty."),
        (f"{ONE}:{ONE}", "Key 2 is listed twice; list each key once."),
        (f"{ONE}:{ONE.rstrip('=')}", "Key 2 is listed twice; list each key once."),
        (f"{ONE}:{TWO.replace('-', '+').replace('_', '/')}", "Key 2 is not 32 bytes of url-safe base64."),
        (f" {ONE}", "Key 1 is not 32 bytes of url-safe base64."),
        (f"{ONE}\n", "Key 1 is not 32 bytes of url-safe base64."),
        (f"{ONE}=", "Key 1 is not 32 bytes of url-safe base64."),
        (ONE[:-3], "Key 1 is not 32 bytes of url-safe base64."),
        (f"{ONE[:-1]}A=", "Key 1 is not 32 bytes of url-safe base64."),
        ("é" * 43, "Key 1 is not 32 bytes of url-safe base64."),
        (f"{ONE[:-2]}J=", "Key 1 is not exactly 32 bytes; a character was changed."),
    ],
)
def test_bad_master_keys_get_a_sentence_that_never_shows_them(text, sentence):
    with pytest.raises(ValueError) as caught:
        MasterKeys.parse(text)
    assert str(caught.value) == sentence
    assert caught.value.__cause__ is None


def test_two_master_keys_with_one_id_are_refused():
    # Found by trying: the first two of these keys whose 4-byte ids meet.
    keys = [hashlib.sha256(b"master key %d" % number).digest() for number in COLLIDING]
    assert MasterKeys(keys[:1]).ids == MasterKeys(keys[1:]).ids
    with pytest.raises(ValueError, match="Key 2 has the same id as another"):
        MasterKeys(keys)


def test_keys_of_another_length_and_no_keys_are_refused():
    with pytest.raises(ValueError, match="Key 2 is not 32 bytes long"):
        MasterKeys([bytes(32), bytes(31)])
    with pytest.raises(ValueError, match="At least one"):
        MasterKeys([])


def test_a_generated_master_key_is_taken_and_never_the_same():
    made = {generate_master_key() for _ in range(100)}
    assert len(made) == 100
    assert all(MasterKeys.parse(key).primary_id for key in made)


# Wrapping


def test_the_key_encryption_keys_are_those_of_the_known_answers(vectors, masters, organization):
    wrapping = masters._wrapping_key(masters.primary_id, organization)
    assert wrapping.hex() == vectors["key_encryption_key"]
    wrapping = masters._wrapping_key(masters.primary_id, SYSTEM)
    assert wrapping.hex() == vectors["system_key"]["key_encryption_key"]


@pytest.mark.parametrize("which", ["wrapped_key", "system_key"])
def test_each_known_wrapped_key_is_made_and_opened_to_the_byte(
    which, vectors, masters, instance, organization
):
    known = vectors[which]
    owner = SYSTEM if which == "system_key" else organization
    key = bytes.fromhex(known.get("key", vectors["data_key"]))
    wrapped = bytes.fromhex(known["envelope"])
    place = (instance, owner, known["purpose"], known["version"])
    assert masters.unwrap(masters.primary_id, *place, wrapped) == key
    sealed = seal(
        masters._wrapping_key(masters.primary_id, owner),
        key,
        kind=KIND_WRAPPED_KEY,
        key_number=int(vectors["key_id"], 16),
        context=key_context(*place),
        salt=bytes.fromhex(known["salt"]),
    )
    assert sealed == wrapped


@pytest.mark.parametrize("refused", VECTORS["wrapped_key"]["refused"], ids=lambda refused: refused["why"])
def test_each_known_bad_wrapped_key_is_refused(refused, masters, instance, organization):
    with pytest.raises(DecryptionError):
        masters.unwrap(
            masters.primary_id,
            instance,
            organization,
            refused["purpose"],
            refused["version"],
            bytes.fromhex(refused["envelope"]),
        )


@pytest.mark.parametrize("change", [0, 1, 2, 3])
def test_a_wrapped_key_opens_in_its_own_row_only(change, masters, instance, organization):
    place = [instance, organization, "data", 3]
    wrapped = masters.wrap(*place, bytes(32))
    assert masters.unwrap(masters.primary_id, *place, wrapped) == bytes(32)
    place[change] = [uuid4(), uuid4(), "audit", 4][change]
    with pytest.raises(DecryptionError):
        masters.unwrap(masters.primary_id, *place, wrapped)


def test_a_secondary_key_unwraps_but_never_wraps(instance, organization):
    old, ring = MasterKeys.parse(TWO), MasterKeys.parse(f"{ONE}:{TWO}")
    place = (instance, organization, "data", 1)
    wrapped = old.wrap(*place, bytes(32))
    assert ring.unwrap(old.primary_id, *place, wrapped) == bytes(32)
    assert ring.wrap(*place, bytes(32))[4:8].hex() == ring.primary_id != old.primary_id


def test_a_master_key_that_is_not_in_the_ring_unwraps_nothing(masters, instance, organization):
    place = (instance, organization, "data", 1)
    wrapped = MasterKeys.parse(TWO).wrap(*place, bytes(32))
    for name in (MasterKeys.parse(TWO).primary_id, masters.primary_id, "", "zzzzzzzz"):
        with pytest.raises(DecryptionError):
            masters.unwrap(name, *place, wrapped)


def test_the_row_must_name_the_master_key_that_the_envelope_names(masters, instance, organization):
    ring = MasterKeys.parse(f"{ONE}:{TWO}")
    place = (instance, organization, "data", 1)
    wrapped = ring.wrap(*place, bytes(32))
    with pytest.raises(DecryptionError):
        ring.unwrap(ring.ids[1], *place, wrapped)


def test_only_keys_of_32_bytes_are_wrapped_or_unwrapped(masters, instance, organization):
    place = (instance, organization, "data", 1)
    with pytest.raises(ValueError, match="32 bytes"):
        masters.wrap(*place, bytes(31))
    short = seal(
        masters._wrapping_key(masters.primary_id, organization),
        bytes(31),
        kind=KIND_WRAPPED_KEY,
        key_number=int(masters.primary_id, 16),
        context=key_context(*place),
    )
    with pytest.raises(DecryptionError):
        masters.unwrap(masters.primary_id, *place, short)


def test_missing_master_keys_are_those_that_a_living_row_needs(masters, organization):
    other = MasterKeys.parse(TWO).primary_id
    row = StoredKey(organization, "data", 1, "active", masters.primary_id, b"")
    needs = replace(row, version=2, state="decrypt-only", master_key_id=other)
    assert missing_master_ids([row], masters) == ()
    assert missing_master_ids([row, needs], masters) == (other,)
    assert missing_master_ids([row, replace(needs, state="destroyed")], masters) == ()


# Values


def test_values_are_encrypted_under_the_newest_active_key(build_room, organization):
    keys = {(organization, "data", version): fresh_key() for version in (1, 2, 3)}
    states = {(organization, "data", 3): "decrypt-only", (organization, "data", 1): "active"}
    states[organization, "data", 2] = "active"
    envelope = build_room(keys, states=states).encrypt(organization, *ITEM, b"value")
    assert build_room(keys).key_version_of(envelope) == 2


def test_old_versions_still_decrypt_and_destroyed_ones_do_not(build_room, organization):
    keys = {(organization, "data", version): fresh_key() for version in (1, 2)}
    envelope = build_room({(organization, "data", 1): keys[organization, "data", 1]}).encrypt(
        organization, *ITEM, b"value"
    )
    room = build_room(keys)
    assert room.decrypt(organization, *ITEM, envelope) == b"value"
    assert room.key_version_of(room.encrypt(organization, *ITEM, b"value")) == 2
    for state in ("destroyed", "made-up"):
        room = build_room(keys, states={(organization, "data", 1): state})
        with pytest.raises(DecryptionError):
            room.decrypt(organization, *ITEM, envelope)


def test_an_unknown_version_or_organization_is_refused_even_under_the_same_key(build_room, organization):
    key = fresh_key()
    envelope = build_room({(organization, "data", 5): key}).encrypt(organization, *ITEM, b"value")
    with pytest.raises(DecryptionError):
        build_room({(organization, "data", 4): key}).decrypt(organization, *ITEM, envelope)
    with pytest.raises(DecryptionError):
        build_room({(organization, "data", 5): key}).decrypt(uuid4(), *ITEM, envelope)


def test_a_value_moves_to_no_other_row_field_revision_table_organization_or_instance(
    build_room, organization
):
    key, other = fresh_key(), uuid4()
    keys = {(organization, "data", 1): key, (other, "data", 1): key}
    room = build_room(keys)
    envelope = room.encrypt(organization, *ITEM, b"value")
    places = [
        (other, *ITEM),
        (organization, "event", *ITEM[1:]),
        (organization, "item", UUID(int=8), *ITEM[2:]),
        (organization, "item", UUID(int=7), "overview", 1),
        (organization, "item", UUID(int=7), "details", 2),
    ]
    for place in places:
        with pytest.raises(DecryptionError):
            room.decrypt(*place, envelope)
    with pytest.raises(DecryptionError):
        build_room(keys, at=uuid4()).decrypt(organization, *ITEM, envelope)
    assert room.decrypt(organization, *ITEM, envelope) == b"value"


def test_data_and_audit_keys_are_apart(full_room, organization):
    envelope = full_room.encrypt(organization, *ITEM, b"value", purpose="audit")
    assert full_room.decrypt(organization, *ITEM, envelope, purpose="audit") == b"value"
    with pytest.raises(DecryptionError):
        full_room.decrypt(organization, *ITEM, envelope)


def test_values_are_never_encrypted_under_a_digest_key(full_room):
    with pytest.raises(ValueError, match="data or audit keys only"):
        full_room.encrypt(SYSTEM, *ITEM, b"value", purpose="token-mac")
    envelope = full_room.encrypt(SYSTEM, *ITEM, b"value")
    with pytest.raises(ValueError, match="data or audit keys only"):
        full_room.decrypt(SYSTEM, *ITEM, envelope, purpose="token-mac")


def test_encrypting_without_an_active_key_says_which_is_missing(build_room, organization):
    keys = {(organization, "data", 1): fresh_key()}
    room = build_room(keys, states={(organization, "data", 1): "decrypt-only"})
    with pytest.raises(MissingKey, match="no active data key"):
        room.encrypt(organization, *ITEM, b"value")
    with pytest.raises(MissingKey, match="no active audit key"):
        room.encrypt(organization, *ITEM, b"value", purpose="audit")


def test_a_row_that_does_not_open_spoils_only_its_own_organization(masters, instance, organization):
    good, other = uuid4(), bytearray(masters.wrap(instance, organization, "data", 1, fresh_key()))
    other[-1] ^= 1
    rows = [
        StoredKey(organization, "data", 1, "active", masters.primary_id, bytes(other)),
        StoredKey(
            good,
            "data",
            1,
            "active",
            masters.primary_id,
            masters.wrap(instance, good, "data", 1, fresh_key()),
        ),
    ]
    room = KeyRoom(instance, masters, rows, generation=1)
    assert room.decrypt(good, *ITEM, room.encrypt(good, *ITEM, b"value")) == b"value"
    with pytest.raises(DecryptionError):
        room.encrypt(organization, *ITEM, b"value")


def test_a_system_key_that_does_not_open_stops_the_room_at_once(masters, instance):
    wrapped = bytearray(masters.wrap(instance, SYSTEM, "token-mac", 1, fresh_key()))
    wrapped[-1] ^= 1
    row = StoredKey(SYSTEM, "token-mac", 1, "active", masters.primary_id, bytes(wrapped))
    with pytest.raises(DecryptionError):
        KeyRoom(instance, masters, [row], generation=1)


def test_threads_that_open_the_same_key_at_once_all_read_the_value(full_room, organization):
    envelope = full_room.encrypt(organization, *ITEM, b"value")
    full_room._opened.clear()
    together, read = threading.Barrier(8, timeout=30), []

    def reader():
        together.wait()
        read.append(full_room.decrypt(organization, *ITEM, envelope))

    threads = [threading.Thread(target=reader) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [b"value"] * 8


# Digests


@pytest.mark.parametrize("token", VECTORS["tokens"], ids=lambda token: token["kind"])
def test_each_known_token_digest_is_made(token, build_room):
    room = system_room(build_room, "token-mac", bytes.fromhex(token["mac_key"]))
    digest = room.token_digest(token["kind"], token["lookup_id"], bytes.fromhex(token["secret"]))
    assert digest.hex() == token["mac"]


def test_the_known_session_digest_is_made(vectors, build_room):
    known = vectors["session"]
    room = system_room(build_room, "session-mac", bytes.fromhex(known["mac_key"]))
    assert room.session_digest(bytes.fromhex(known["id"])).hex() == known["mac"]


def test_the_known_name_digest_is_made_from_either_spelling(vectors, build_room, organization):
    known = vectors["item_name"]
    room = system_room(build_room, "index-mac", bytes.fromhex(known["index_mac_key"]))
    vault, decomposed = UUID(known["vault"]), unicodedata.normalize("NFD", known["name_nfc"])
    assert decomposed != known["name_nfc"]
    for name in (known["name_as_typed"], known["name_nfc"], decomposed):
        assert room.name_digest(organization, vault, name).hex() == known["digest"]
    assert room.name_digest(organization, vault, known["name_nfc"].upper()).hex() != known["digest"]
    assert room.name_digest(uuid4(), vault, known["name_nfc"]).hex() != known["digest"]
    assert room.name_digest(organization, uuid4(), known["name_nfc"]).hex() != known["digest"]


def test_the_known_audit_macs_are_made(vectors, build_room):
    room = system_room(build_room, "audit-mac", bytes.fromhex(vectors["audit_mac_key"]))
    for event in vectors["audit"]:
        assert room.audit_mac(bytes.fromhex(event["hash"])).hex() == event["mac"]


def test_the_known_checkpoint_is_signed_to_the_byte(vectors, build_room):
    (known,) = vectors["checkpoints"]
    room = system_room(build_room, "audit-sign", bytes.fromhex(known["signing_seed"]))
    heads = [(UUID(chain), size, bytes.fromhex(head)) for chain, size, head in known["heads"]]
    assert room.sign_checkpoint(known["name"], heads, known["unix"]) == known["text"]
    assert room.sign_checkpoint(known["name"], iter(heads[::-1]), known["unix"]) == known["text"]
    assert len(room.audit_public_key()) == 32


def test_known_audit_payloads_open_under_the_audit_key(vectors, build_room, organization):
    for event in vectors["audit"]:
        room = build_room(
            {(organization, "audit", event["audit_key_version"]): bytes.fromhex(event["audit_key"])}
        )
        place = ("audit_event", UUID(event["event"]), "payload", event["seq"])
        payload = bytes.fromhex(event["payload"])
        assert room.decrypt(organization, *place, payload, purpose="audit").hex() == event["clear"]


@given(one=st.lists(st.text(max_size=5), max_size=4), two=st.lists(st.text(max_size=5), max_size=4))
def test_throttle_keys_are_equal_only_for_equal_parts(build_room, one, two):
    room = system_room(build_room, "throttle-mac", bytes(32))
    assert (room.throttle_digest(*one) == room.throttle_digest(*two)) == (one == two)


def test_digests_of_two_uses_differ_even_under_the_same_key(build_room):
    key = fresh_key()
    room = build_room({(SYSTEM, purpose, 1): key for purpose in SYSTEM_PURPOSES})
    made = {
        room.token_digest("", "", b""),
        room.session_digest(b""),
        room.throttle_digest(),
        room.audit_mac(b""),
        room.name_digest(SYSTEM, SYSTEM, ""),
    }
    assert len(made) == 5


@pytest.mark.parametrize(
    ("use", "purpose"),
    [
        (lambda room: room.token_digest("api", "00000000", b""), "token-mac"),
        (lambda room: room.session_digest(b""), "session-mac"),
        (lambda room: room.name_digest(SYSTEM, SYSTEM, "x"), "index-mac"),
        (lambda room: room.throttle_digest("x"), "throttle-mac"),
        (lambda room: room.audit_mac(b""), "audit-mac"),
        (lambda room: room.sign_checkpoint("x", [], 0), "audit-sign"),
        (lambda room: room.audit_public_key(), "audit-sign"),
    ],
)
def test_a_digest_without_its_key_says_which_is_missing(use, purpose, instance, masters):
    room = KeyRoom(instance, masters, [], generation=1)
    with pytest.raises(MissingKey, match=f"no active {purpose} key"):
        use(room)


# Nothing shows a key


def test_no_text_form_shows_a_key(full_room, masters, instance, organization):
    row = StoredKey(organization, "data", 1, "active", masters.primary_id, b"wrapped bytes")
    assert repr(masters) == f"<MasterKeys {masters.primary_id}>"
    assert repr(full_room) == f"<KeyRoom instance={instance} generation=1>"
    assert "wrapped" not in repr(row)
    for thing in (masters, full_room):
        assert f"{thing}" == str(thing) == repr(thing)
        assert not hasattr(thing, "__dict__")


@pytest.mark.parametrize("copier", [pickle.dumps, copy.copy, copy.deepcopy])
def test_keys_are_never_pickled_or_copied(copier, full_room, masters):
    for thing in (masters, full_room):
        with pytest.raises(TypeError, match="never copied or pickled"):
            copier(thing)


def test_fresh_keys_have_32_bytes_and_never_repeat():
    keys = {fresh_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert {len(key) for key in keys} == {32}


def test_expansion_is_that_of_rfc_5869():
    # Appendix A.3: SHA-256, no salt, no info.
    assert expand(b"\x0b" * 22, b"", 42).hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )
