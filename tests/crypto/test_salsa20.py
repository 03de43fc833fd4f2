"""Salsa20 against the first vectors of the eSTREAM project, in one piece, in pieces, and with gaps."""

from __future__ import annotations

import pytest

from crypto.salsa20 import Salsa20

KEY = b"\x80" + bytes(31)
STREAM = bytes.fromhex(
    "e3be8fdd8beca2e3ea8ef9475b29a6e7003951e1097a5c38d23b7a5fad9f6844"
    "b22c97559e2723c7cbbd3fe4fc8d9a0744652a83e72a9c461876af4d7ef1a117"
)


def test_the_stream_is_that_of_the_specification():
    assert Salsa20(KEY, bytes(8)).update(bytes(64)) == STREAM


def test_pieces_and_gaps_keep_their_place():
    whole = Salsa20(KEY, bytes(8)).update(bytes(600))
    for before, gap, after in (
        (0, 64, 10),
        (1, 63, 10),
        (10, 300, 70),
        (64, 128, 1),
        (5, 0, 5),
        (100, 28, 9),
    ):
        stream = Salsa20(KEY, bytes(8))
        assert stream.update(bytes(before)) == whole[:before]
        stream.skip(gap)
        start = before + gap
        assert stream.update(bytes(after)) == whole[start : start + after]


@pytest.mark.parametrize(("key", "nonce"), [(bytes(16), bytes(8)), (bytes(32), bytes(12))])
def test_other_lengths_are_refused(key, nonce):
    with pytest.raises(ValueError, match="32 bytes"):
        Salsa20(key, nonce)
