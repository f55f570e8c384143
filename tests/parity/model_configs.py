"""Models whose configurations are recorded from Keras and read by hotloop."""

import cases_training as cases


def compiled(k, model, loss, **kwargs):
    model.compile(k.optimizers.Adam(0.25, clipnorm=1.0), loss, **kwargs)
    return model


def stack(k):
    return k.Sequential(
        [
            k.Input((4,), name="start"),
            k.layers.Dense(
                3,
                activation="relu",
                kernel_initializer=k.initializers.HeNormal(seed=3),
                kernel_regularizer=k.regularizers.L2(0.5),
                name="first",
            ),
            k.layers.Dropout(0.25, seed=2, name="drop"),
            k.layers.Dense(2, activation="softmax", use_bias=False, name="last"),
        ],
        name="stack",
    )


def named_layers(k):
    """As many kinds of calls as a graph can have, with names of its own for everything."""
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    shared = k.layers.Dense(3, activation="tanh", name="shared")
    one, two = shared(a), shared(b)
    i = k.Input((3,), name="i")
    inner = k.Model(i, [k.layers.Dense(2, name="small")(i), i], name="inner")
    first, second = inner(k.layers.Add(name="plus")([one, two]))
    tower = k.Sequential([k.layers.Dense(2, name="in_tower")], name="tower")
    joined = k.layers.Concatenate(axis=-1, name="joined")([tower(second), first])
    return k.Model({"a": a, "b": b}, {"joined": joined, "second": second}, name="graph")


# name -> (maker, whether functions of `ops` are part of it)
MODELS = {
    "stack": (stack, False),
    "compiled_stack": (
        lambda k: compiled(
            k, stack(k), "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=False
        ),
        False,
    ),
    "graph": (named_layers, False),
    "compiled_graph": (
        lambda k: compiled(
            k,
            named_layers(k),
            {"joined": k.losses.MeanAbsoluteError(reduction="sum"), "second": "mse"},
            loss_weights={"joined": 1.0, "second": 0.5},
            metrics={"joined": [k.metrics.MeanAbsoluteError(name="m")]},
        ),
        False,
    ),
    "functions": (cases.nested, True),
    "operators": (cases.shared, True),
}
