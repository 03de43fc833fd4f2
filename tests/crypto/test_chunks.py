"""A stream of chunks opens whole, in its own place and order, or not at all."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import struct
import tracemalloc
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.chunks import (
    CHUNK,
    KIND_ATTACHMENT,
    KIND_EXPORT,
    content_length,
    open_chunks,
    seal_chunks,
    sealed_length,
)
from crypto.context import record_context
from crypto.envelope import KIND_RECORD, DecryptionError, open_envelope, seal

KEY = bytes(range(32))
CONTEXT = b"somewhere"
VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "chunks.json").read_text("utf-8"))
SIZES = [0, 1, 31, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5]
HOW = {"kind": KIND_ATTACHMENT, "key_number": 3, "context": CONTEXT}


def content_of(size):
    """Return content in which no two chunks are alike."""
    return (hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1))[:size]


def sealed(content, key=KEY, **changes):
    return b"".join(seal_chunks(key, io.BytesIO(content), len(content), **HOW | changes))


def opened(stream, length, key=KEY, **changes):
    return b"".join(open_chunks(key, io.BytesIO(stream), length, **HOW | changes))


def refuses(stream, length, **changes):
    with pytest.raises(DecryptionError) as caught:
        opened(stream, length, **changes)
    return str(caught.value) == "" and caught.value.__cause__ is None


def parts(stream):
    """Return the header and the chunks of *stream*."""
    header, body = stream[:72], stream[72:]
    return header, [body[at : at + CHUNK + 16] for at in range(0, len(body), CHUNK + 16)]


# Known answers


def recompute(vector):
    """Make the stream as `docs/encryption.md` says, from the primitives alone."""
    content = bytes.fromhex(vector["beginning"]) * vector["times"]
    header = struct.pack(">BBHI", 1, vector["kind"], 1, vector["key_number"])
    info = (
        b"chatelaine/v1/msg\0" + header + bytes.fromhex(vector["context"]) + struct.pack(">Q", len(content))
    )
    extracted = hmac.digest(bytes.fromhex(vector["salt"]), bytes.fromhex(vector["key"]), "sha256")
    okm, block = b"", b""
    for count in (1, 2, 3):
        block = hmac.digest(extracted, block + info + bytes([count]), "sha256")
        okm += block
    prelude = header + bytes.fromhex(vector["salt"]) + okm[44:76]
    chunks = [content[at : at + 65536] for at in range(0, len(content), 65536)] or [b""]
    for index, chunk in enumerate(chunks):
        nonce = okm[32:39] + struct.pack(">IB", index, index == len(chunks) - 1)
        prelude_and_chunks = AESGCM(okm[:32]).encrypt(nonce, chunk, prelude)
        yield prelude + prelude_and_chunks if index == 0 else prelude_and_chunks


@pytest.mark.parametrize("vector", VECTORS["streams"], ids=lambda vector: vector["what"])
def test_each_known_stream_is_sealed_and_opened_to_the_byte(vector):
    content = bytes.fromhex(vector["beginning"]) * vector["times"]
    key, salt = bytes.fromhex(vector["key"]), bytes.fromhex(vector["salt"])
    how = {"kind": vector["kind"], "key_number": vector["key_number"]}
    how["context"] = bytes.fromhex(vector["context"])
    stream = b"".join(seal_chunks(key, io.BytesIO(content), len(content), salt=salt, **how))
    assert len(stream) == vector["length"] == sealed_length(len(content))
    assert hashlib.sha256(stream).hexdigest() == vector["sha256"]
    assert stream[:104].hex() == vector["first"]
    assert opened(stream, len(content), key, **how) == content


@pytest.mark.parametrize("vector", VECTORS["streams"], ids=lambda vector: vector["what"])
def test_each_known_stream_is_what_the_primitives_alone_give(vector):
    assert hashlib.sha256(b"".join(recompute(vector))).hexdigest() == vector["sha256"]


@pytest.mark.parametrize("refused", VECTORS["refused"], ids=lambda refused: refused["why"])
def test_each_known_bad_stream_is_refused(refused):
    how = {"kind": refused["kind"], "key_number": refused["key_number"]}
    how["context"] = bytes.fromhex(refused["context"])
    stream = bytes.fromhex(refused["stream"])
    assert refuses(stream, refused["length"], key=bytes.fromhex(refused["key"]), **how)


def test_the_context_of_the_known_attachment_is_a_row_of_the_table():
    place = (UUID(VECTORS["instance"]), UUID(VECTORS["organization"]), "attachment", UUID(VECTORS["record"]))
    assert record_context(*place, "content", 1).hex() == VECTORS["streams"][0]["context"]


# What comes back


@pytest.mark.parametrize("size", SIZES)
def test_content_comes_back_and_has_the_documented_size(size):
    content = content_of(size)
    stream = sealed(content)
    assert opened(stream, size) == content
    assert len(stream) == sealed_length(size) == 72 + size + 16 * max(1, -(-size // CHUNK))
    assert content_length(len(stream)) == size


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=300), st.binary(max_size=50), st.integers(0, 2**32 - 1))
def test_any_content_comes_back(content, context, number):
    stream = sealed(content, context=context, key_number=number)
    assert opened(stream, len(content), context=context, key_number=number) == content


def test_a_source_that_gives_a_few_bytes_at_a_time_is_as_good():
    class Dripping(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 1000))

    content = content_of(CHUNK + 100)
    stream = b"".join(seal_chunks(KEY, Dripping(content), len(content), **HOW))
    assert b"".join(open_chunks(KEY, Dripping(stream), len(content), **HOW)) == content


def test_neither_way_holds_more_than_a_few_chunks_in_memory(tmp_path):
    size = 16 * 1024 * 1024
    plain, kept = tmp_path / "plain", tmp_path / "kept"
    plain.write_bytes(bytes(size))
    tracemalloc.start()
    with plain.open("rb") as source, kept.open("wb") as sink:
        for piece in seal_chunks(KEY, source, size, **HOW):
            sink.write(piece)
    with kept.open("rb") as source:
        assert sum(map(len, open_chunks(KEY, source, size, **HOW))) == size
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * CHUNK


def test_equal_content_never_gives_equal_bytes():
    one, two = sealed(bytes(200)), sealed(bytes(200))
    assert one[8:40] != two[8:40]
    assert one[40:72] != two[40:72]
    assert one[72:] != two[72:]
    _, chunks = parts(sealed(bytes(2 * CHUNK)))
    assert chunks[0] != chunks[1]


# What is refused


@pytest.mark.parametrize("size", [0, 40])
def test_any_single_bit_flipped_anywhere_is_refused(size):
    stream = sealed(content_of(size))
    for position in range(len(stream) * 8):
        altered = bytearray(stream)
        altered[position // 8] ^= 1 << position % 8
        assert refuses(bytes(altered), size)


def test_a_bit_flipped_in_any_chunk_of_many_is_refused():
    stream = sealed(content_of(SIZES[-1]))
    for at in range(72, len(stream), CHUNK // 2):
        assert refuses(stream[:at] + bytes([stream[at] ^ 1]) + stream[at + 1 :], SIZES[-1])


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_that_was_cut_anywhere_is_refused(size):
    stream = sealed(content_of(size))
    cuts = {1, 15, 16, 17, CHUNK, CHUNK + 15, CHUNK + 16, CHUNK + 17, len(stream) - 71, len(stream)}
    for cut in cuts:
        if 0 < cut <= len(stream):
            assert refuses(stream[:-cut], size)


@pytest.mark.parametrize("size", SIZES)
def test_a_stream_that_was_continued_is_refused(size):
    stream = sealed(content_of(size))
    for more in (b"\0", bytes(16), stream[72:], stream):
        assert refuses(stream + more, size)


def test_a_stream_cut_at_a_chunk_does_not_open_as_a_shorter_one():
    stream = sealed(content_of(3 * CHUNK))
    for chunks in (1, 2):
        assert refuses(stream[: 72 + chunks * (CHUNK + 16)], chunks * CHUNK)


def test_chunks_in_another_order_are_refused():
    stream = sealed(content_of(4 * CHUNK))
    header, (a, b, c, d) = parts(stream)
    for order in ((b, a, c, d), (a, c, b, d), (a, b, d, c), (a, a, c, d), (a, b, c, c), (d, b, c, a)):
        assert refuses(header + b"".join(order), 4 * CHUNK)
    for fewer in ((a, b, d), (b, c, d), (d,), (a, b, c)):
        assert refuses(header + b"".join(fewer), CHUNK * len(fewer))


def test_chunks_of_another_stream_under_the_same_key_are_refused():
    one, two = parts(sealed(content_of(2 * CHUNK))), parts(sealed(content_of(2 * CHUNK)))
    assert refuses(one[0] + one[1][0] + two[1][1], 2 * CHUNK)
    assert refuses(two[0] + b"".join(one[1]), 2 * CHUNK)
    assert refuses(one[0][:40] + two[0][40:] + b"".join(one[1]), 2 * CHUNK)


@pytest.mark.parametrize(
    "change",
    [
        {"context": b"elsewhere"},
        {"context": b""},
        {"key_number": 2},
        {"kind": KIND_EXPORT},
        {"key": KEY[::-1]},
    ],
    ids=str,
)
def test_a_stream_opens_only_in_its_own_place_under_its_own_key(change):
    assert refuses(sealed(content_of(100)), 100, **change)


@pytest.mark.parametrize("length", [-1, 0, 99, 101, CHUNK, 2**40, 2**64])
def test_a_stream_opens_only_with_its_own_length(length):
    assert refuses(sealed(content_of(100)), length)


def test_a_foreign_key_or_place_is_noticed_before_any_content_is_given():
    stream = sealed(content_of(3 * CHUNK))
    for change in ({"context": b"x"}, {"key_number": 4}):
        with pytest.raises(DecryptionError):
            open_chunks(KEY, io.BytesIO(stream), 3 * CHUNK, **HOW | change)


def test_an_envelope_is_no_stream_and_a_stream_no_envelope():
    envelope = seal(KEY, b"x" * 12, kind=KIND_RECORD, key_number=3, context=CONTEXT)
    for kind in (KIND_RECORD, KIND_ATTACHMENT):
        assert refuses(envelope, len(envelope) - 88, kind=kind)
    stream = sealed(b"x" * 32)
    for kind in (KIND_RECORD, KIND_ATTACHMENT):
        with pytest.raises(DecryptionError):
            open_envelope(KEY, stream, kind=kind, key_number=3, context=CONTEXT)


@pytest.mark.parametrize(
    "sealed_size", [-5, 0, 71, 72, 87, 72 + CHUNK + 17, 72 + CHUNK + 16 + 16, 72 + 2 * CHUNK + 33]
)
def test_lengths_that_no_stream_has_are_refused(sealed_size):
    with pytest.raises(DecryptionError):
        content_length(sealed_size)


@given(st.binary(max_size=400), st.integers(0, 400))
def test_bytes_that_nobody_sealed_are_refused(junk, length):
    assert refuses(junk, length)


# Faults of the caller


@pytest.mark.parametrize("size", [99, 101, CHUNK])
def test_a_source_of_another_length_than_was_said_is_noticed(size):
    with pytest.raises(ValueError, match="another length"):
        list(seal_chunks(KEY, io.BytesIO(content_of(100)), size, **HOW))


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": KEY[:31]},
        {"salt": bytes(31)},
        {"kind": KIND_RECORD},
        {"kind": 0},
        {"length": -1},
        {"length": 2**48 + 1},
    ],
    ids=str,
)
def test_a_caller_with_a_wrong_key_salt_kind_or_length_is_told(wrong):
    arguments = {"key": KEY, "source": io.BytesIO(), "length": 0} | HOW
    with pytest.raises(ValueError, match="32-byte key"):
        seal_chunks(**arguments | wrong)


def test_opening_with_a_key_of_another_length_is_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="32 bytes"):
        opened(sealed(b""), 0, key=b"")
