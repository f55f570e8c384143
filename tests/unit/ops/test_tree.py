from collections import OrderedDict, namedtuple

import pytest

from hotloop.ops import tree

Point = namedtuple("Point", "x y")
NESTED = {"b": [1, (2, None)], "a": Point(3, {"z": 4})}


def test_flatten_and_pack():
    assert tree.flatten(NESTED) == [3, 4, 1, 2, None]
    assert tree.pack_sequence_as(NESTED, [3, 4, 1, 2, None]) == NESTED
    assert tree.flatten(5) == [5]
    assert tree.pack_sequence_as(5, [6]) == 6
    assert tree.flatten([]) == []


def test_map_structure_keeps_types():
    result = tree.map_structure(lambda x: x and x * 10, NESTED)
    assert result == {"b": [10, (20, None)], "a": Point(30, {"z": 40})}
    assert isinstance(result["a"], Point)
    assert list(result) == ["b", "a"]
    ordered = tree.map_structure(str, OrderedDict(b=1, a=2))
    assert isinstance(ordered, OrderedDict)
    assert list(ordered) == ["b", "a"]
    assert tree.map_structure(lambda x, y: x + y, {"a": 1, "b": 2}, {"b": 20, "a": 10}) == {
        "a": 11, "b": 22,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b"), [([1], [1, 2]), ({"a": 1}, {"b": 1}), ([1], 1), ({"a": 1}, [1]), ([[1]], [1])]
)
def test_structures_that_differ(a, b):
    with pytest.raises(ValueError, match="differ"):
        tree.map_structure(lambda x, y: x, a, b)


def test_wrong_number_of_leaves():
    for flat in ([1], [1, 2, 3]):
        with pytest.raises(ValueError, match="2 leaves"):
            tree.pack_sequence_as([0, 0], flat)
