"""Models as graphs. What is drawn is looked at in the text; Graphviz itself is not needed."""

import os
import re
import shutil
import sys

import pytest

import hotloop
from hotloop import Input, Model, Sequential, layers
from hotloop.utils import model_to_dot, plot_model

pytest.importorskip("pydot", reason="pictures of models need pydot")


@pytest.fixture
def chain():
    return Sequential(
        [Input((4,)), layers.Dense(3, "relu", name="first"), layers.Dropout(0.5, name="second")],
        name="chain",
    )


@pytest.fixture
def nested(chain):
    """Two models in one, one of them with two inputs and outputs, one with another inside."""
    a, b = Input((4,), name="a"), Input((2,), name="b")
    x, y = Input((3,), name="x"), Input((2,), name="y")
    deep = Sequential([Input((2,)), layers.Dense(5, name="deepest")], name="deep")
    pair = Model([x, y], [layers.Dense(3, name="left")(x), deep(y)], name="pair")
    left, right = pair([chain(a), b])
    return Model(
        {"a": a, "b": b},
        [layers.Activation("tanh", name="p")(left), layers.Flatten(name="q")(right)],
        name="whole",
    )


def boxes(graph):
    """Name of a box in the text -> what is written on it, frames included."""
    found = {}
    for node in graph.get_nodes():
        if node.get_name() != "node":  # the defaults of all nodes
            rows = re.findall(r"<tr>(.*?)</tr>", node.get("label"))
            cells = [re.findall(r"<td.*?>(.*?)</td>", row) for row in rows]
            found[node.get_name()] = [[re.sub(r"<.*?>", "", c) for c in row] for row in cells]
    for frame in graph.get_subgraphs():
        found |= boxes(frame)
    return found


def arrows(graph):
    """(from, to) by the names of layers, frames included."""
    names = {key: rows[0][0].split(" (")[0] for key, rows in boxes(graph).items()}

    def edges(part):
        found = [(edge.get_source(), edge.get_destination()) for edge in part.get_edges()]
        return found + [edge for frame in part.get_subgraphs() for edge in edges(frame)]

    return sorted((names[source], names[target]) for source, target in edges(graph))


def titles(graph):
    return sorted(rows[0][0] for rows in boxes(graph).values())


def test_a_chain(chain):
    dot = model_to_dot(chain)
    assert titles(dot) == ["first (Dense)", "second (Dropout)"]
    assert arrows(dot) == [("first", "second")]
    assert (dot.get("rankdir"), dot.get("dpi"), dot.get("splines")) == ("TB", 200, "ortho")


def test_a_graph_with_models_inside(nested):
    dot = model_to_dot(nested)
    assert titles(dot) == sorted(
        ["a (InputLayer)", "b (InputLayer)", "chain (Sequential)"]
        + ["p (Activation)", "pair (Functional)", "q (Flatten)"]
    )
    assert arrows(dot) == sorted(
        [("a", "chain"), ("chain", "pair"), ("b", "pair"), ("pair", "p"), ("pair", "q")]
    )


def test_models_inside_are_opened(nested):
    dot = model_to_dot(nested, expand_nested=True, rankdir="LR", dpi=50, splines="line")
    assert arrows(dot) == sorted(
        [("a", "first"), ("first", "second"), ("second", "x"), ("b", "y"), ("x", "left")]
        + [("y", "deepest"), ("left", "p"), ("deepest", "q")]
    )
    frames = {frame.get("label"): frame for frame in dot.get_subgraphs()}
    assert set(frames) == {"chain", "pair"}
    assert [frame.get("label") for frame in frames["pair"].get_subgraphs()] == ["deep"]
    assert (dot.get("rankdir"), dot.get("dpi"), dot.get("splines")) == ("LR", 50, "line")


def test_what_boxes_say(chain):
    chain.layers[0].trainable = False
    dot = model_to_dot(
        chain,
        show_shapes=True,
        show_dtype=True,
        show_layer_names=False,
        show_layer_activations=True,
        show_trainable=True,
    )
    assert list(boxes(dot).values()) == [
        [
            ["Dense"],
            ["Activation: relu"],
            [
                "Input shape: (None, 4)",
                "Output shape: (None, 3)",
                "Output dtype: float32",
                "Non-trainable",
            ],
        ],
        [
            ["Dropout"],
            ["Input shape: (None, 3)", "Output shape: (None, 3)", "Output dtype: float32"],
        ],
    ]


def test_several_tensors(nested):
    said = {rows[0][0]: rows[1] for rows in boxes(model_to_dot(nested, show_shapes=True)).values()}
    assert said["pair (Functional)"] == [
        "Input shape: [(None, 3), (None, 2)]",
        "Output shape: [(None, 3), (None, 5)]",
    ]
    assert said["a (InputLayer)"] == ["Output shape: (None, 4)"]


def test_a_layer_that_is_used_twice():
    shared, x, y = layers.Dense(2, name="shared"), Input((2,), name="x"), Input((2,), name="y")
    total = layers.Add(name="total")([shared(x), shared(y)])
    dot = model_to_dot(Model([x, y], total))
    assert arrows(dot) == [("shared", "total"), ("x", "shared"), ("y", "shared")]


def test_names_are_text():
    model = Sequential([Input((2,)), layers.Dense(1, name="a<b> & c")])
    assert "<b>a&lt;b&gt; &amp; c</b>" in model_to_dot(model).to_string()


def test_a_subclass_is_one_box():
    class Own(Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs)

    model = Own()
    with pytest.raises(ValueError, match="'own' has not yet been built"):
        model_to_dot(model)
    model(hotloop.ops.zeros((2, 3)))
    said = list(boxes(model_to_dot(model, show_shapes=True)).values())
    assert said == [[["own (Own)"], ["Input shape: ?", "Output shape: ?"]]]


def test_a_part_of_another_picture(chain):
    cluster = model_to_dot(chain, subgraph=True)
    assert cluster.get_type() == "subgraph"
    assert cluster.get("label") == "chain"
    assert arrows(cluster) == [("first", "second")]


def test_a_text_file_needs_no_graphviz(chain, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert plot_model(chain, tmp_path / "chain.dot", show_layer_names=True) is None
    assert "<b>first</b>" in (tmp_path / "chain.dot").read_text()
    with pytest.raises(ImportError, match="programs of Graphviz"):
        plot_model(chain, tmp_path / "chain.png")
    assert os.listdir(tmp_path) == ["chain.dot"]


@pytest.mark.skipif(shutil.which("dot") is None, reason="pictures need Graphviz")
def test_a_picture(nested, tmp_path):
    for name, head in (("a.png", b"\x89PNG"), ("b", b"\x89PNG"), ("c.svg", b"<?xml")):
        plot_model(nested, str(tmp_path / name), expand_nested=True, show_shapes=True, dpi=40)
        assert (tmp_path / name).read_bytes().startswith(head)


@pytest.mark.parametrize("function", [model_to_dot, plot_model])
def test_refusals(chain, function, monkeypatch):
    with pytest.raises(ValueError, match="layer_range"):
        function(chain, layer_range=["a", "b"])
    with pytest.raises(ValueError, match=r"Unrecognized.*\['colour'\]"):
        function(chain, colour="red")
    with pytest.raises(TypeError, match="must be a hotloop model"):
        function(None)
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ImportError, match=r"hotloop\[graph\]"):
        function(chain)


def test_other_formats(chain, tmp_path):
    with pytest.raises(ValueError, match="in the format 'docx'"):
        plot_model(chain, tmp_path / "model.docx")
