"""Nested structures: ours beside Keras's own functions, where both define the thing."""

import collections

import pytest

from kerasish import tree

Point = collections.namedtuple("Point", "x y")
STRUCTURES = [
    5,
    [],
    [1, 2, [3]],
    (1, [2, (3, 4)], {"b": 5, "a": 6}),
    {"z": [1, None], "a": {"k": (2,)}},
    Point(1, [2, 3]),
]


@pytest.fixture(scope="module")
def theirs():
    return pytest.importorskip("keras").tree


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_walks_are_those_of_keras(theirs, structure):
    assert tree.is_nested(structure) == theirs.is_nested(structure)
    assert tree.flatten(structure) == theirs.flatten(structure)
    assert tree.lists_to_tuples(structure) == theirs.lists_to_tuples(structure)
    doubled = [str(leaf) for leaf in tree.flatten(structure)]
    assert tree.map_structure(str, structure) == theirs.map_structure(str, structure)
    assert tree.pack_sequence_as(structure, doubled) == theirs.pack_sequence_as(structure, doubled)


def test_paths_and_types():
    assert tree.flatten_with_path({"b": [7], "a": (8, 9)}) == [
        (("a", 0), 8),
        (("a", 1), 9),
        (("b", 0), 7),
    ]
    packed = tree.map_structure(lambda x: x + 1, Point(1, (2,)))
    assert packed == Point(2, (3,))
    assert isinstance(packed, Point)


def test_none_may_stay():
    assert tree.map_structure(str, [None, 1]) == ["None", "1"]
    assert tree.map_structure(str, [None, 1], none_is_leaf=False) == [None, "1"]


def test_traverse_replaces_parts():
    def change(part):
        if part == 2:
            return tree.MAP_TO_NONE
        return "list" if isinstance(part, list) and len(part) == 1 else None

    assert tree.traverse(change, [2, [1], {"a": [2]}]) == [None, "list", {"a": "list"}]
    assert tree.traverse(change, [2, [1], {"a": [2]}], top_down=False) == [
        None,
        "list",
        {"a": "list"},
    ]


def test_dicts_stay_what_they_are():
    given = collections.defaultdict(list, b=1, a=2)
    found = tree.map_structure(lambda x: x + 1, given)
    assert (type(found), list(found.items())) == (type(given), [("b", 2), ("a", 3)])
    assert found["new"] == []
    assert dict(given) == {"b": 1, "a": 2}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tree.map_structure(max, [1, 2], [1, [2]]), "differ"),
        (lambda: tree.assert_same_structure([1], {"a": 1}), "differ"),
        (lambda: tree.assert_same_structure([1], (1,), check_types=True), "differ"),
        (lambda: tree.assert_same_paths({"a": 1}, {"b": 1}), r"\('a',\)"),
        (lambda: tree.pack_sequence_as([0, 0], [1]), "2 leaves, but got 1"),
        (lambda: tree.pack_sequence_as([0], [1, 2]), "1 leaves, but got 2"),
        (lambda: tree.map_structure_up_to([0, 0], len, [[1]]), "does not begin like"),
        (lambda: tree.map_shape_structure(len, "a"), "Expected shapes"),
    ],
)
def test_errors_say_what_differs(call, words):
    with pytest.raises(ValueError, match=words):
        call()
