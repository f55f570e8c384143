"""Block steps through the binding: what they take and refuse."""

import numpy as np
import pytest

from hotloop import _native
from hotloop._native import Plan


def gather_plan(**changed):
    plan = Plan(1)
    table, indices, result = plan.add_bound(12), plan.add_bound(2), plan.add_bound(6)
    call = {
        "kind": "gather",
        "target": (result, 0),
        "sources": [(table, 0, False), (indices, 0, False)],
        "sizes": (1, 4, 3, 2, 1, 0x7FC00000),
    }
    plan.add_block(**(call | changed))
    plan.finish()
    return plan


def test_kinds():
    assert list(_native.BLOCKS) == [
        "gather", "scatter", "scan", "argsort", "search", "product",
        "triangular", "cholesky", "lu", "qr", "eigh", "svd",
    ]  # fmt: skip


def test_a_gather():
    table = np.arange(12, dtype=np.float32)
    result = np.zeros(6, np.float32)
    plan = gather_plan()
    plan.profile(True)
    plan.run([table, np.array([3, 4], np.int32), result], [], [])
    np.testing.assert_array_equal(result, [9, 10, 11, np.nan, np.nan, np.nan])
    (row,) = plan.profile_table()
    assert (row["kind"], row["rows"], row["cols"], row["depth"]) == ("gather", 2, 3, 4)
    assert row["calls"] == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "shuffle"}, "unknown kind 'shuffle'; known: gather"),
        ({"sources": [(0, 0, False)]}, "with 1 sources"),
        ({"sources": [(0, 0, False)] * 3}, "cannot have 3 sources"),
        ({"sizes": range(99)}, "99 sizes"),
        ({"sizes": (1, 4, 3, 2, 1)}, "takes 6 sizes, not 5"),
        ({"sizes": (1, 4, 3, -2, 1, 0)}, "must not be negative"),
        ({"sizes": (1, 4, 3, 3, 1, 0)}, "the target of gather needs elements 0 to 9 of slot 2"),
        ({"sizes": (1, 4, 3, 2, 5, 0)}, "size 4 of gather is a choice below 2, not 5"),
        ({"target": (0, 0)}, "the target of gather overlaps source 0"),
        ({"target": (7, 0)}, "slot 7, which does not exist"),
    ],
)
def test_what_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        gather_plan(**changed)
