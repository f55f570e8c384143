"""The table of summary()."""

import pytest

import hotloop as keras

EXPECTED = """\
Model: "tutorial"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ flatten (Flatten)               │ (None, 784)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ hidden (Dense)                  │ (None, 128)            │       100,480 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ logits (Dense)                  │ (None, 10)             │         1,290 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 101,770 (397.54 KB)
 Trainable params: 101,770 (397.54 KB)
 Non-trainable params: 0 (0.00 B)
"""


def tutorial():
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(128, activation="relu", name="hidden"),
            keras.layers.Dense(10, name="logits"),
        ],
        name="tutorial",
    )


def lines_of(model, **kwargs):
    texts = []
    model.summary(print_fn=texts.append, **kwargs)
    return "\n".join(texts).split("\n")


def test_the_table_is_keras_s(capsys):
    tutorial().summary(line_length=76)
    assert capsys.readouterr().out == EXPECTED


def test_narrower():
    lines = lines_of(tutorial(), line_length=70)
    assert lines[1] == f"┏{'━' * 30}┳{'━' * 23}┳{'━' * 13}┓"
    assert all(len(line) == 70 for line in lines[1:9])
    with pytest.raises(ValueError, match="Insufficient console width"):
        tutorial().summary(line_length=8)


def test_optimizer_parameters_count_once_built():
    model = tutorial()
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    assert lines_of(model)[-4:] == [
        " Total params: 305,312 (1.16 MB)",
        " Trainable params: 101,770 (397.54 KB)",
        " Non-trainable params: 0 (0.00 B)",
        " Optimizer params: 203,542 (795.09 KB)",
    ]


def test_unbuilt():
    text = "\n".join(lines_of(keras.Sequential([keras.layers.Dense(4)]), line_length=76))
    assert "│ ?                      │   0 (unbuilt) │" in text


def test_long_names_wrap():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="a" * 60)])
    lines = lines_of(model, line_length=76)
    assert all(len(line) == 76 for line in lines[1:-3])


def test_trainable_column_and_nested_layers():
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="inner_dense")])
    inner.trainable = False
    model = keras.Sequential([inner, keras.layers.Dense(1)])
    model.build((None, 2))
    text = "\n".join(lines_of(model, expand_nested=True, show_trainable=True, line_length=100))
    assert "└ inner_dense (Dense)" in text
    assert "Trainable" in text
    assert " Non-trainable params: 6 (24.00 B)" in text


def test_connections():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    both = keras.layers.Dense(3, name="left")(a) + keras.layers.Dense(3, name="right")(b)
    text = "\n".join(lines_of(keras.Model([a, b], both), line_length=108))
    assert "Connected to" in text
    assert "left[0][0]" in text


def test_layer_range():
    lines = lines_of(tutorial(), layer_range=["hidden", "logits"])
    assert "flatten" not in "\n".join(lines)
    with pytest.raises(ValueError, match="does not match"):
        tutorial().summary(layer_range=["x", "y"])
