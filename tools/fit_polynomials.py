"""Derive the coefficients in csrc/kernels/shared/math_exp.h and math_trig.h. Needs mpmath.

Each fit is weighted least squares at Chebyshev nodes, in 100 digits, with the weight that turns the
polynomial's error into relative error of the function; that is within a small factor of minimax.
Coefficients are rounded to float one at a time, lowest power first, and the rest refitted, so that
later ones make up for the rounding of earlier ones.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import mpmath as mp

mp.mp.dps = 100
Real = Callable[[mp.mpf], mp.mpf]


def to_float(value: mp.mpf) -> float:
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def short_hex(value: float) -> str:
    mantissa, exponent = value.hex().split("p")
    return mantissa.rstrip("0").rstrip(".") + "p" + exponent


def solve(target: Real, weight: Real, low: mp.mpf, high: mp.mpf, powers: list[int]) -> list[mp.mpf]:
    nodes = 24 * len(powers)
    matrix, right = mp.matrix(nodes, len(powers)), mp.matrix(nodes, 1)
    for i in range(nodes):
        x = (low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * nodes))
        # Chebyshev nodes crowd at the ends as much as a minimax fit wants them to.
        for j, power in enumerate(powers):
            matrix[i, j] = weight(x) * x**power
        right[i] = weight(x) * target(x)
    return list(mp.qr_solve(matrix, right)[0])


def fit(name: str, target: Real, weight: Real, low: float, high: float, count: int) -> None:
    low, high = mp.mpf(low), mp.mpf(high)
    fixed: list[float] = []
    for power in range(count):

        def rest(x: mp.mpf) -> mp.mpf:
            return target(x) - sum(c * x**j for j, c in enumerate(fixed))

        fixed.append(to_float(solve(rest, weight, low, high, list(range(power, count)))[0]))
    worst = max(
        abs(weight(x) * (target(x) - sum(c * x**j for j, c in enumerate(fixed))))
        for x in (low + (high - low) * (k + mp.mpf(1) / 2) / 1000 for k in range(1000))
    )
    print(f"/* {name}: relative error 2^{float(mp.log(worst, 2)):.1f} */")
    print("  " + ", ".join(f"{short_hex(c)}f" for c in fixed))


def main() -> None:
    half_ln2 = mp.log(2) / 2
    fit(
        "exp and expm1: (e^r - 1 - r) / r^2",
        lambda r: (mp.expm1(r) - r) / r**2,
        lambda r: r**2 / mp.expm1(r),
        -half_ln2,
        half_ln2,
        6,
    )
    fit(
        "log: (log(1+f) - f + f^2/2) / f^3",
        lambda f: (mp.log1p(f) - f + f**2 / 2) / f**3,
        lambda f: f**3 / mp.log1p(f),
        mp.sqrt(0.5) - 1,
        mp.sqrt(2) - 1,
        9,
    )
    fit(
        "log of pow: (atanh(s)/s - 1) / z, s^2 = z",
        lambda z: (mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        lambda z: z / (1 + z / 3),
        mp.mpf("1e-12"),
        mp.mpf("0.02945"),
        4,
    )
    fit(
        "tanh: (tanh(x)/x - 1) / z, x^2 = z",
        lambda z: (mp.tanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        lambda z: z / (mp.tanh(mp.sqrt(z)) / mp.sqrt(z)),
        mp.mpf("1e-12"),
        mp.mpf("0.625") ** 2,
        6,
    )
    fit(
        "erf small: erf(x)/x - 1, x^2 = z",
        lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1,
        lambda z: 1 / (mp.erf(mp.sqrt(z)) / mp.sqrt(z)),
        mp.mpf("1e-12"),
        mp.mpf("0.9375") ** 2,
        7,
    )
    fit(
        "erf large: log(1 - erf(t)) / t + 1",
        lambda t: mp.log(mp.erfc(t)) / t + 1,
        lambda t: t * mp.erfc(t) / mp.erf(t),
        mp.mpf("0.9375"),
        mp.mpf("3.95"),
        8,
    )
    quarter = (mp.pi / 4 + mp.mpf("5e-3")) ** 2  # the quadrant is rounded from a rounded product
    fit(
        "sin: (sin(r)/r - 1) / z, r^2 = z",
        lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        lambda z: z / (mp.sin(mp.sqrt(z)) / mp.sqrt(z)),
        mp.mpf("1e-12"),
        quarter,
        4,
    )
    fit(
        "cos: (cos(r) - 1 + z/2) / z^2, r^2 = z",
        lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2,
        lambda z: z**2 / mp.cos(mp.sqrt(z)),
        mp.mpf("1e-10"),
        quarter,
        4,
    )

    for name, value, parts in (
        ("ln2", mp.log(2), 2),
        ("log2(e)", 1 / mp.log(2), 1),
        ("pi/2", mp.pi / 2, 3),
        ("2/pi", 2 / mp.pi, 1),
    ):
        pieces = []
        for _ in range(parts):
            pieces.append(to_float(value))
            value -= mp.mpf(pieces[-1])
        print(f"/* {name} */ " + ", ".join(f"{short_hex(p)}f" for p in pieces))
    bits = int(mp.floor(2 / mp.pi * mp.mpf(2) ** 256))
    print(
        "/* 2/pi: its first 256 bits */ "
        + ", ".join(f"0x{bits >> s & 0xFFFFFFFF:08X}u" for s in range(224, -1, -32))
    )


if __name__ == "__main__":
    main()
