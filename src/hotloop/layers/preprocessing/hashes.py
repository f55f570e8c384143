"""The two hash functions behind Keras's hashing: FarmHash's Fingerprint64, and SipHash-2-4.

Both are defined byte for byte, so that the bins are those of Keras: Fingerprint64 is `farmhashna`'s
`Hash64` (https://github.com/google/farmhash), SipHash that of Aumasson and Bernstein (2012).
"""

from __future__ import annotations

import struct

_MASK = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def fingerprint64(data: bytes) -> int:
    """FarmHash's Fingerprint64 of some bytes, from 0 to 2**64 - 1."""
    size = len(data)
    if size <= 16:
        return _up_to_16(data, size)
    if size <= 32:
        return _up_to_32(data, size)
    if size <= 64:
        return _up_to_64(data, size)
    return _long(data, size)


def siphash(data: bytes, key: tuple[int, int]) -> int:
    """SipHash-2-4 of some bytes with a key of two words, from 0 to 2**64 - 1."""
    first, second = key[0] & _MASK, key[1] & _MASK
    v0, v1 = first ^ 0x736F6D6570736575, second ^ 0x646F72616E646F6D
    v2, v3 = first ^ 0x6C7967656E657261, second ^ 0x7465646279746573
    tail = len(data) % 8
    padded = data + bytes(7 - tail) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        v3 ^= word
        for _ in range(2):
            v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
        v0 ^= word
    v2 ^= 0xFF
    for _ in range(4):
        v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


def _sip_round(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0 = (v0 + v1) & _MASK
    v1 = _left(v1, 13) ^ v0
    v0 = _left(v0, 32)
    v2 = (v2 + v3) & _MASK
    v3 = _left(v3, 16) ^ v2
    v0 = (v0 + v3) & _MASK
    v3 = _left(v3, 21) ^ v0
    v2 = (v2 + v1) & _MASK
    v1 = _left(v1, 17) ^ v2
    return v0, v1, _left(v2, 32), v3


def _left(value: int, count: int) -> int:
    return (value << count | value >> 64 - count) & _MASK


def _right(value: int, count: int) -> int:
    """`value` (of any size, its low 64 bits count) rotated to the right."""
    value &= _MASK
    return (value >> count | value << 64 - count) & _MASK


def _mix(value: int) -> int:
    value &= _MASK
    return value ^ value >> 47


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _half(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _join(u: int, v: int, factor: int) -> int:
    a = _mix((u ^ v) * factor)
    b = _mix((v ^ a) * factor)
    return b * factor & _MASK


def _up_to_16(data: bytes, size: int) -> int:
    factor = _K2 + size * 2
    if size >= 8:
        a = _word(data, 0) + _K2 & _MASK
        b = _word(data, size - 8)
        c = _right(b, 37) * factor + a & _MASK
        d = (_right(a, 25) + b) * factor & _MASK
        return _join(c, d, factor)
    if size >= 4:
        return _join(size + (_half(data, 0) << 3), _half(data, size - 4), factor)
    if size > 0:
        y = data[0] + (data[size >> 1] << 8)
        z = size + (data[size - 1] << 2)
        return _mix(y * _K2 ^ z * _K0) * _K2 & _MASK
    return _K2


def _up_to_32(data: bytes, size: int) -> int:
    factor = _K2 + size * 2
    a = _word(data, 0) * _K1 & _MASK
    b = _word(data, 8)
    c = _word(data, size - 8) * factor & _MASK
    d = _word(data, size - 16) * _K2 & _MASK
    u = _right(a + b, 43) + _right(c, 30) + d & _MASK
    return _join(u, a + _right(b + _K2, 18) + c & _MASK, factor)


def _up_to_64(data: bytes, size: int) -> int:
    factor = _K2 + size * 2
    a = _word(data, 0) * _K2 & _MASK
    b = _word(data, 8)
    c = _word(data, size - 8) * factor & _MASK
    d = _word(data, size - 16) * _K2 & _MASK
    y = _right(a + b, 43) + _right(c, 30) + d & _MASK
    z = _join(y, a + _right(b + _K2, 18) + c & _MASK, factor)
    e = _word(data, 16) * factor & _MASK
    f = _word(data, 24)
    g = (y + _word(data, size - 32)) * factor & _MASK
    h = (z + _word(data, size - 24)) * factor & _MASK
    u = _right(e + f, 43) + _right(g, 30) + h & _MASK
    return _join(u, e + _right(f + a, 18) + g & _MASK, factor)


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    """A quick hash of 32 bytes and two seeds to two words."""
    w, x, y, z = struct.unpack_from("<4Q", data, at)
    a = a + w & _MASK
    b = _right(b + a + z, 21)
    c = a
    a = a + x + y & _MASK
    b = b + _right(a, 44) & _MASK
    return a + z & _MASK, b + c & _MASK


def _long(data: bytes, size: int) -> int:
    seed = 81
    x, y = seed, seed * _K1 + 113 & _MASK
    z = _mix(y * _K2 + 113) * _K2 & _MASK
    v, w = (0, 0), (0, 0)
    x = x * _K2 + _word(data, 0) & _MASK
    end = (size - 1) // 64 * 64
    for at in range(0, end, 64):
        x, y, z, v, w = _block(data, at, _K1, 1, x, y, z, v, w)
    factor = _K1 + ((z & 0xFF) << 1)
    rest = size - 1 & 63
    w0 = w[0] + rest & _MASK
    v0 = v[0] + w0 & _MASK
    w0 = w0 + v0 & _MASK
    x, y, z, v, w = _block(data, end + rest - 63, factor, 9, x, y, z, (v0, v[1]), (w0, w[1]))
    first = _join(v[0], w[0], factor) + _mix(y) * _K0 + z & _MASK
    return _join(first, _join(v[1], w[1], factor) + x & _MASK, factor)


def _block(
    data: bytes,
    at: int,
    factor: int,
    times: int,
    x: int,
    y: int,
    z: int,
    v: tuple[int, int],
    w: tuple[int, int],
) -> tuple[int, int, int, tuple[int, int], tuple[int, int]]:
    """64 bytes; returns x, y, z, v and w, with x and z having changed places."""
    x = _right(x + y + v[0] + _word(data, at + 8), 37) * factor & _MASK
    y = _right(y + v[1] + _word(data, at + 48), 42) * factor & _MASK
    x ^= w[1] * times & _MASK
    y = y + v[0] * times + _word(data, at + 40) & _MASK
    z = _right(z + w[0], 33) * factor & _MASK
    v = _weak(data, at, v[1] * factor & _MASK, x + w[0] & _MASK)
    w = _weak(data, at + 32, z + w[1] & _MASK, y + _word(data, at + 16) & _MASK)
    return z, y, x, v, w
