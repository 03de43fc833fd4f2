"""The content of a file opens under its own key, as the file that it is, or not at all."""

from __future__ import annotations

import io
from uuid import UUID

import pytest

from crypto.attachment import fresh_key, open_content, seal_content, sealed_length
from crypto.context import record_context
from crypto.envelope import DecryptionError
from tests.crypto.test_chunks import CHUNK, content_of, recompute

KEY = bytes(range(32))
PLACE = {"instance": UUID(int=1), "organization": UUID(int=2), "file": UUID(int=3)}
CONTEXT = record_context(UUID(int=1), UUID(int=2), "attachment", UUID(int=3), "content", 1)


def sealed(content, **changes):
    return b"".join(seal_content(KEY, io.BytesIO(content), len(content), **PLACE | changes))


def opened(stream, length, key=KEY, **changes):
    return b"".join(open_content(key, io.BytesIO(stream), length, **PLACE | changes))


@pytest.mark.parametrize("size", [1, CHUNK, CHUNK + 1])
def test_it_is_what_the_primitives_alone_give(size):
    content = content_of(32)[:1] * size
    stream = sealed(content)
    assert len(stream) == sealed_length(size)
    vector = {
        "kind": 3,
        "key": KEY.hex(),
        "key_number": 0,
        "context": CONTEXT.hex(),
        "salt": stream[8:40].hex(),
        "beginning": content[:1].hex(),
        "times": size,
    }
    assert b"".join(recompute(vector)) == stream
    assert opened(stream, size) == content


@pytest.mark.parametrize("part", PLACE)
def test_it_opens_in_its_own_place_only(part):
    with pytest.raises(DecryptionError):
        opened(sealed(b"x"), 1, **{part: UUID(int=9)})


def test_another_key_opens_nothing():
    with pytest.raises(DecryptionError):
        opened(sealed(b"x"), 1, key=fresh_key())
    with pytest.raises(DecryptionError):
        opened(sealed(b"x"), 1, key=b"short")
