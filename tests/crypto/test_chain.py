"""Event hashes bind each event to its place; checkpoints convince whoever has the public key."""

from __future__ import annotations

import base64
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from crypto.chain import (
    ChainError,
    Checkpoint,
    checkpoint_text,
    event_hash,
    genesis,
    heads_digest,
    key_id,
    sign_checkpoint,
    verify_checkpoint,
)
from tests.crypto.known import VECTORS

KNOWN = VECTORS["checkpoints"][0]
TEXT = KNOWN["text"]
HEADS = [(UUID(chain), size, bytes.fromhex(head)) for chain, size, head in KNOWN["heads"]]
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KNOWN["signing_seed"]))
PUBLIC = SIGNER.public_key().public_bytes_raw()
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
EVENT = (UUID(int=1), 2, 3, bytes(32), b"payload")


# Hashes


def test_the_known_chain_is_made_to_the_byte(vectors, instance, organization):
    previous = genesis(instance, organization)
    assert previous.hex() == vectors["audit_genesis"]
    for event in vectors["audit"]:
        previous = event_hash(
            organization, event["seq"], event["at_us"], previous, bytes.fromhex(event["payload"])
        )
        assert previous.hex() == event["hash"]


@pytest.mark.parametrize(
    "change",
    [(0, UUID(int=2)), (1, 3), (2, 4), (2, -3), (3, b"\1" + bytes(31)), (4, b"payloae"), (4, b"")],
)
def test_a_change_of_any_part_changes_the_hash(change):
    changed = list(EVENT)
    changed[change[0]] = change[1]
    assert event_hash(*changed) != event_hash(*EVENT)


def test_a_time_before_1970_has_a_hash_too():
    assert event_hash(UUID(int=1), 1, -1, bytes(32), b"") != event_hash(UUID(int=1), 1, 1, bytes(32), b"")


def test_each_chain_of_each_installation_begins_elsewhere():
    one, two = uuid4(), uuid4()
    assert len({genesis(one, two), genesis(two, one), genesis(one, one), genesis(two, two)}) == 4


@given(st.permutations(HEADS))
def test_the_order_in_which_heads_are_read_does_not_matter(heads):
    assert heads_digest(heads) == heads_digest(HEADS)


def test_heads_of_other_sizes_or_hashes_have_another_digest():
    (chain, size, head), other = HEADS
    assert heads_digest([(chain, size + 1, head), other]) != heads_digest(HEADS)
    assert heads_digest([(chain, size, head[::-1]), other]) != heads_digest(HEADS)
    assert heads_digest([other]) != heads_digest(HEADS)


# Checkpoints


def test_the_known_checkpoint_is_made_and_verified():
    assert sign_checkpoint(SIGNER, KNOWN["name"], HEADS, KNOWN["unix"]) == TEXT
    assert TEXT.startswith(checkpoint_text(KNOWN["name"], HEADS, KNOWN["unix"]) + "\n— ")
    wanted = Checkpoint(KNOWN["name"], 12, heads_digest(HEADS), KNOWN["unix"])
    assert verify_checkpoint(TEXT, PUBLIC) == wanted


def test_a_checkpoint_of_no_chains_is_signed_and_verified():
    checkpoint = verify_checkpoint(sign_checkpoint(SIGNER, "empty", [], 0), PUBLIC)
    assert (checkpoint.total, checkpoint.unix) == (0, 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n12\n", "\n13\n"),
        ("G93krq", "H93krq"),
        ("1700000000", "1700000001"),
        ("chatelaine.example", "chatelaine.example2"),
    ],
)
def test_a_changed_line_no_longer_matches_its_signature(old, new):
    with pytest.raises(ChainError):
        verify_checkpoint(TEXT.replace(old, new), PUBLIC)


def test_a_renamed_note_with_the_right_key_id_is_still_refused():
    body = checkpoint_text("other/audit", HEADS, KNOWN["unix"])
    signature = base64.b64decode(TEXT.split()[-1])[4:]
    blob = base64.b64encode(key_id("other/audit", PUBLIC) + signature).decode()
    with pytest.raises(ChainError, match="does not match"):
        verify_checkpoint(f"{body}\n— other/audit {blob}\n", PUBLIC)


def test_every_changed_character_is_refused():
    for place, character in enumerate(TEXT):
        other = "B" if character == "A" else "A"
        with pytest.raises(ChainError):
            verify_checkpoint(TEXT[:place] + other + TEXT[place + 1 :], PUBLIC)


def test_other_spellings_of_the_same_signature_are_refused():
    assert TEXT.endswith("HvAY=\n")
    for ending in ("HvAZ=\n", "HvAY==\n", "HvAY\n"):
        with pytest.raises(ChainError, match="not base64"):
            verify_checkpoint(TEXT.removesuffix("HvAY=\n") + ending, PUBLIC)


def test_every_truncation_and_any_addition_is_refused():
    for cut in range(1, len(TEXT) + 1):
        with pytest.raises(ChainError):
            verify_checkpoint(TEXT[:-cut], PUBLIC)
    for addition in ("\n", " ", "x", "— \n"):
        with pytest.raises(ChainError):
            verify_checkpoint(TEXT + addition, PUBLIC)


def test_a_note_signed_by_another_key_is_refused():
    note = sign_checkpoint(STRANGER, KNOWN["name"], HEADS, KNOWN["unix"])
    with pytest.raises(ChainError, match="not signed by this key"):
        verify_checkpoint(note, PUBLIC)


def test_signatures_of_witnesses_are_passed_over():
    witness = sign_checkpoint(STRANGER, KNOWN["name"], HEADS, KNOWN["unix"]).splitlines()[-1]
    assert verify_checkpoint(f"{TEXT}{witness}\n", PUBLIC).total == 12
    body, ours = TEXT.split("\n\n")
    assert verify_checkpoint(f"{body}\n\n{witness}\n{ours}", PUBLIC).total == 12


def test_a_strangers_signature_under_our_key_id_is_refused():
    body = checkpoint_text(KNOWN["name"], HEADS, KNOWN["unix"])
    blob = key_id(KNOWN["name"], PUBLIC) + STRANGER.sign(body.encode())
    with pytest.raises(ChainError, match="does not match"):
        verify_checkpoint(f"{body}\n— {KNOWN['name']} {base64.b64encode(blob).decode()}\n", PUBLIC)


@pytest.mark.parametrize("blob", ["A", "AAAAA", "m7Ktbg==", "m7KtbgAA"])
def test_a_short_or_broken_signature_is_refused(blob):
    body = checkpoint_text(KNOWN["name"], HEADS, KNOWN["unix"])
    with pytest.raises(ChainError):
        verify_checkpoint(f"{body}\n— {KNOWN['name']} {blob}\n", PUBLIC)


@pytest.mark.parametrize("name", ["", "two words", "line\nbreak", "plus+sign", "no\u00a0break"])
def test_a_name_that_would_break_the_note_is_refused(name):
    with pytest.raises(ValueError, match="neither space nor plus"):
        checkpoint_text(name, HEADS, 0)


@given(st.text(max_size=300))
def test_any_text_is_answered_with_a_chain_error(text):
    with pytest.raises(ChainError):
        verify_checkpoint(text, PUBLIC)
