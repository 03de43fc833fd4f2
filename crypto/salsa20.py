"""The Salsa20 stream cipher, which hides the values inside older KeePass files and is used for nothing else.

No library that we have offers it, and what it guards there lies within AES already. Written after
Daniel J. Bernstein's specification (2005), with 20 rounds and a key of 32 bytes.
"""

from __future__ import annotations

import struct

KEY_LEN = 32
NONCE_LEN = 8
BLOCK = 64

_ROUNDS = 20
_CONSTANTS = (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574)
_WORDS = struct.Struct("<16L")
_MASK = 0xFFFFFFFF
_QUARTERS = (
    ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)),
    ((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)),
)
"""Where the columns of the square stand, and then its rows."""


class Salsa20:
    """One stream of key bytes, read from its beginning."""

    __slots__ = ("_block", "_counter", "_start", "_used")

    def __init__(self, key: bytes, nonce: bytes) -> None:
        """Take a key of 32 bytes and a nonce of 8."""
        if len(key) != KEY_LEN or len(nonce) != NONCE_LEN:
            raise ValueError("Salsa20 takes a key of 32 bytes and a nonce of 8")
        k, n, c = struct.unpack("<8L", key), struct.unpack("<2L", nonce), _CONSTANTS
        self._start = [c[0], *k[:4], c[1], *n, 0, 0, c[2], *k[4:], c[3]]
        self._counter = 0
        self._block = b""
        self._used = 0

    def update(self, data: bytes) -> bytes:
        """Decrypt, or encrypt, the next bytes."""
        stream = bytearray()
        while len(stream) < len(data):
            if self._used == len(self._block):
                self._block, self._used = self._next(), 0
            taken = self._block[self._used : self._used + len(data) - len(stream)]
            self._used += len(taken)
            stream += taken
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")
        return mixed.to_bytes(len(data), "big")

    def skip(self, length: int) -> None:
        """Pass over *length* bytes without computing them."""
        rest = len(self._block) - self._used
        if length <= rest:
            self._used += length
            return
        blocks, self._used = divmod(length - rest, BLOCK)
        self._counter += blocks
        self._block = self._next() if self._used else b""

    def _next(self) -> bytes:
        start = self._start
        start[8], start[9] = self._counter & _MASK, self._counter >> 32 & _MASK
        self._counter += 1
        x = list(start)
        for number in range(_ROUNDS):
            for a, b, c, d in _QUARTERS[number % 2]:
                x[b] ^= _rotated(x[a] + x[d], 7)
                x[c] ^= _rotated(x[b] + x[a], 9)
                x[d] ^= _rotated(x[c] + x[b], 13)
                x[a] ^= _rotated(x[d] + x[c], 18)
        return _WORDS.pack(*((mixed + first) & _MASK for mixed, first in zip(x, start, strict=True)))


def _rotated(word: int, by: int) -> int:
    word &= _MASK
    return (word << by | word >> 32 - by) & _MASK
