"""A file under a passphrase or a key opens for that one alone, and never asks for more than is borne."""

from __future__ import annotations

import io
import struct

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto.chunks import CHUNK, KIND_EXPORT, open_chunks
from crypto.envelope import DecryptionError
from crypto.passphrase import Cost, PassphraseHasher
from crypto.sealed_file import (
    HEADER_LEN,
    MOST,
    needs_passphrase,
    open_bytes,
    open_file,
    seal_bytes,
    seal_file,
    sealed_length,
)

PASSPHRASE = "crème brûlée at four"
KEY = bytes(range(32))


class Watched(PassphraseHasher):
    """The real one, and what it was asked for."""

    __slots__ = ("asked",)

    def __init__(self):
        super().__init__()
        self.asked = []

    def derive_key(self, text, salt, cost):
        self.asked.append(cost)
        return super().derive_key(text, salt, cost)


@pytest.fixture
def hasher():
    return Watched()


@pytest.fixture
def sealed(hasher):
    return lambda content=b"{}", secret=KEY, purpose="backup": seal_bytes(
        content, secret, purpose=purpose, hasher=hasher
    )


@pytest.fixture
def opened(hasher):
    return lambda file, secret=KEY, purpose="backup": open_bytes(file, secret, purpose=purpose, hasher=hasher)


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1])
def test_content_comes_back_under_a_key(sealed, opened, size):
    file = sealed(b"x" * size)
    assert opened(file) == b"x" * size
    assert len(file) == sealed_length(size)
    assert not needs_passphrase(file[:HEADER_LEN])


def test_content_comes_back_under_a_passphrase_in_either_spelling_of_an_accent(sealed, opened):
    file = sealed(b"{}", PASSPHRASE)
    assert needs_passphrase(file[:HEADER_LEN])
    assert opened(file, PASSPHRASE) == b"{}"
    assert opened(file, "cre\u0300me bru\u0302le\u0301e at four") == b"{}"
    for other in (PASSPHRASE + " ", PASSPHRASE.upper(), "x"):
        with pytest.raises(DecryptionError):
            opened(file, other)


def test_the_header_names_the_costs_and_the_key_is_argon2s(sealed):
    file = sealed(b"{}", PASSPHRASE)
    assert file[:16] == b"CHLSEAL\x01\x01\x04\x00\x03\x00\x01\x00\x00"
    key = Argon2id(salt=file[16:32], length=32, iterations=3, lanes=4, memory_cost=65536).derive(
        PASSPHRASE.encode()
    )
    context = b"\0\x14chatelaine/v1/export" + b"\0\x20" + file[:32] + b"\0\6backup"
    how = {"kind": KIND_EXPORT, "key_number": 0, "context": context}
    assert b"".join(open_chunks(key, io.BytesIO(file[32:]), 2, **how)) == b"{}"


def test_two_files_share_neither_salt_nor_bytes(sealed):
    one, two = sealed(b"{}", PASSPHRASE), sealed(b"{}", PASSPHRASE)
    assert one[16:32] != two[16:32]
    assert one[32:] != two[32:]


def test_large_files_pass_through_in_pieces(tmp_path, hasher):
    plain = tmp_path / "plain"
    plain.write_bytes(bytes(5 * CHUNK))
    with plain.open("rb") as source, (tmp_path / "sealed").open("wb") as sink:
        for piece in seal_file(source, 5 * CHUNK, KEY, purpose="backup", hasher=hasher):
            assert len(piece) <= CHUNK + 16
            sink.write(piece)
    size = (tmp_path / "sealed").stat().st_size
    with (tmp_path / "sealed").open("rb") as source:
        pieces = list(open_file(source, size, KEY, purpose="backup", hasher=hasher))
    assert list(map(len, pieces)) == [CHUNK] * 5


# What is refused


def test_a_file_opens_only_for_its_own_purpose_and_secret(sealed, opened):
    file = sealed()
    for secret, purpose in ((KEY[::-1], "backup"), (KEY, "export"), ("x" * 32, "backup")):
        with pytest.raises(DecryptionError):
            opened(file, secret, purpose)
    with pytest.raises(DecryptionError):
        opened(sealed(b"{}", PASSPHRASE), KEY)


def test_any_changed_byte_is_refused(sealed, opened):
    file = sealed()
    for at in range(len(file)):
        with pytest.raises(DecryptionError):
            opened(file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :])


@pytest.mark.parametrize("at", [8, 9, 11, 15, 16, 31])
def test_the_header_of_a_passphrase_cannot_be_changed_either(sealed, opened, at):
    file = sealed(b"{}", PASSPHRASE)
    with pytest.raises(DecryptionError):
        opened(file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :], PASSPHRASE)


def test_a_file_that_was_cut_or_continued_is_refused(sealed, opened):
    file = sealed(bytes(CHUNK + 10))
    for wrong in (b"", file[:31], file[:32], file[:103], file[:-1], file[: 104 + CHUNK + 16], file + b"\0"):
        with pytest.raises(DecryptionError):
            opened(wrong)


@pytest.mark.parametrize(
    "cost",
    [
        Cost(MOST.memory_kib + 1, 3, 4),
        Cost(2**32 - 1, 3, 4),
        Cost(65536, MOST.passes + 1, 4),
        Cost(65536, 65535, 4),
        Cost(65536, 3, MOST.lanes + 1),
        Cost(65536, 3, 0),
        Cost(65536, 0, 4),
        Cost(19455, 3, 4),
        Cost(0, 0, 0),
    ],
    ids=str,
)
def test_costs_that_are_not_borne_are_refused_before_anything_is_computed(sealed, opened, hasher, cost):
    file = sealed(b"{}", PASSPHRASE)
    hasher.asked.clear()
    costs = struct.pack(">BHI", cost.lanes, cost.passes, cost.memory_kib)
    with pytest.raises(DecryptionError):
        opened(file[:9] + costs + file[16:], PASSPHRASE)
    with pytest.raises(DecryptionError):
        needs_passphrase(file[:9] + costs + file[16:32])
    assert hasher.asked == []


def test_a_file_with_costs_that_are_borne_opens_although_ours_are_others(hasher, opened, monkeypatch):
    other = Cost(19456, 1, 1)
    monkeypatch.setattr("crypto.sealed_file.COST", other)
    file = seal_bytes(b"older", PASSPHRASE, purpose="backup", hasher=hasher)
    monkeypatch.undo()
    assert opened(file, PASSPHRASE) == b"older"
    assert hasher.asked == [other, other]


def test_a_passphrase_that_is_none_is_told(sealed, opened):
    for text in ("", "x" * 1025):
        with pytest.raises(ValueError, match="1 to 1024"):
            sealed(b"{}", text)
        with pytest.raises(DecryptionError):
            opened(sealed(b"{}", PASSPHRASE), text)
    with pytest.raises(ValueError, match="32-byte key"):
        sealed(b"{}", KEY[:31])
