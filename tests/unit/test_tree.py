"""Nested structures. What is expected was found with `keras.tree` 3.15."""

from collections import OrderedDict, defaultdict, namedtuple

import pytest

from hotloop import tree

NEST = {"b": [1, None], "a": (2, [3])}
Point = namedtuple("Point", "x y")


def test_flatten():
    assert tree.flatten(NEST) == [2, 3, 1, None]
    assert tree.flatten_with_path(NEST) == [
        (("a", 0), 2), (("a", 1, 0), 3), (("b", 0), 1), (("b", 1), None),
    ]  # fmt: skip
    assert tree.flatten_with_path(3) == [((), 3)]
    assert tree.flatten(None) == [None]
    assert not tree.is_nested(None)
    assert tree.pack_sequence_as(NEST, [5, 6, 7, 8]) == {"b": [7, 8], "a": (5, [6])}


def test_map_structure():
    assert tree.map_structure(lambda x: x is None, NEST) == {
        "b": [False, True],
        "a": (False, [False]),
    }
    assert tree.map_structure(lambda x: x + 1, NEST, none_is_leaf=False) == {
        "b": [2, None], "a": (3, [4]),
    }  # fmt: skip
    assert tree.map_structure(lambda x, y: x + y, Point(1, 2), Point(3, 4)) == Point(4, 6)
    counts = tree.map_structure(lambda x: -x, defaultdict(int, a=1))
    assert (counts["a"], counts["missing"]) == (-1, 0)
    assert list(tree.map_structure(str, OrderedDict([("z", 1), ("a", 2)]))) == ["z", "a"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tree.map_structure("x", [1]), TypeError, "callable"),
        (lambda: tree.map_structure(abs), ValueError, "at least one structure"),
        (lambda: tree.map_structure(max, [1], [1, 2]), ValueError, r"\[1\] and \[1, 2\]"),
        (lambda: tree.map_structure(max, [1], (1,)), ValueError, "differ"),
        (lambda: tree.map_structure(max, [None], [1], none_is_leaf=False), ValueError, "None"),
        (lambda: tree.map_structure_up_to([1], max), ValueError, "at least one structure"),
        (lambda: tree.map_structure_up_to([1, 1], abs, [1]), ValueError, "differ"),
        (lambda: tree.map_structure_up_to([1, [1]], abs, [1, 2]), ValueError, "differ"),
        (lambda: tree.map_structure_up_to({"a": 1}, abs, {"b": 1}), ValueError, "differ"),
        (lambda: tree.pack_sequence_as([1, 2], [1]), ValueError, "2 leaves"),
        (lambda: tree.assert_same_structure([1], (1,)), ValueError, "differ"),
        (lambda: tree.assert_same_structure(Point(1, 2), (1, 2)), ValueError, "differ"),
        (lambda: tree.assert_same_structure({"a": 1}, {"b": 1}), ValueError, "keys"),
        (lambda: tree.assert_same_paths([1, {"a": 2}], [1, {"b": 2}]), ValueError, "'b'"),
    ],
)
def test_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_what_is_the_same():
    tree.assert_same_structure({"a": [1]}, OrderedDict(a=[None]))
    tree.assert_same_paths([1, Point(2, 3)], (4, [5, 6]))
    with pytest.warns(DeprecationWarning, match="no effect"):
        tree.assert_same_structure([1], [2], check_types=True)


def test_map_structure_up_to():
    found = tree.map_structure_up_to([1, 1], lambda x, y: (x, y), [[1, 2], 3], [4, [5]])
    assert found == [([1, 2], 4), (3, [5])]
    assert tree.map_structure_up_to({"b": 0, "a": 0}, len, {"a": [1], "b": []}) == {"b": 0, "a": 1}


def test_shapes():
    found = tree.map_shape_structure(lambda x: ("s", x), {"a": (2, None), "b": [(1,), [3, 4]]})
    assert found == {"a": ("s", (2, None)), "b": [("s", (1,)), ("s", [3, 4])]}


@pytest.mark.parametrize(
    ("top_down", "expected"),
    [
        (True, [[(1, 2), [3], {"a": 4}], (1, 2), 1, 2, [3], 3, {"a": 4}, 4]),
        (False, [1, 2, (1, 2), 3, [3], 4, {"a": 4}, [(1, 2), [3], {"a": 4}]]),
    ],
)
def test_order_of_traverse(top_down, expected):
    visited = []
    nest = [(1, 2), [3], {"a": 4}]
    assert tree.traverse(visited.append, nest, top_down=top_down) == nest
    assert visited == expected


def test_replacing():
    def shorten(part):
        return "list" if isinstance(part, list) else None

    assert tree.traverse(shorten, NEST) == {"b": "list", "a": (2, "list")}
    gone = tree.traverse(lambda part: tree.MAP_TO_NONE if part == 3 else None, NEST)
    assert gone == {"b": [1, None], "a": (2, [None])}
    assert tree.lists_to_tuples(NEST) == {"b": (1, None), "a": (2, (3,))}
    assert tree.lists_to_tuples([[1], [2, [3]]]) == ((1,), (2, (3,)))
