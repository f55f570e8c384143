"""The golden runs of single classes: every `cases_PART.py`, replayed against `golden/PART.npz`.

A module has `CASES = {name: run}`, where `run(k)` does the same with `keras` and with `hotloop` and
returns arrays by name. Names that begin with `weight/` have the tolerance of weights.
"""

import importlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import hotloop

import packed  # isort: skip

HERE = Path(__file__).parent
PARTS = sorted(file.stem.removeprefix("cases_") for file in HERE.glob("cases_*.py"))
# The contract is 1e-4; what is off by more than this computes something else.
RTOL, ATOL = 1e-5, 1e-6  # a module may have an ATOL of its own, and say why
WEIGHT_TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}


def cases_of(part):
    return importlib.import_module(f"cases_{part}").CASES


@cache
def golden_of(part):
    """The recorded arrays by case and name."""
    golden = {}
    for key, value in packed.load(HERE / "golden" / f"{part}.npz").items():
        case, name = key.split("/", 1)
        golden.setdefault(case, {})[name] = value
    return golden


@pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part in PARTS for name in cases_of(part)]
)
def test_case(part, name):
    golden = golden_of(part)[name]
    found = cases_of(part)[name](hotloop)
    atol = getattr(importlib.import_module(f"cases_{part}"), "ATOL", ATOL)
    assert sorted(found) == sorted(golden)
    for key, expected in golden.items():
        value = np.asarray(found[key])
        assert value.shape == expected.shape, key
        tolerance = {"rtol": RTOL, "atol": atol}
        if key.startswith("weight/"):
            tolerance = WEIGHT_TOLERANCE
        np.testing.assert_allclose(value, expected, **tolerance, err_msg=key)


@pytest.mark.parametrize("part", PARTS)
def test_every_golden_run_is_replayed(part):
    assert set(golden_of(part)) == set(cases_of(part))
