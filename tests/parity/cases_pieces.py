"""Activations, regularizers, constraints and fixed initializers: values and short trainings."""

import numpy as np

_RNG = np.random.default_rng(20250202)
X = _RNG.normal(scale=2.0, size=(6, 4)).astype("float32")
Y = _RNG.normal(size=(6, 5)).astype("float32")
KERNEL = _RNG.normal(size=(4, 5)).astype("float32")
BIAS = _RNG.normal(size=5).astype("float32")

# sparsemax differs on purpose: docs/keras.md.
ACTIVATIONS = {
    name: ()
    for name in [
        "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
        "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish",
        "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus",
        "softsign", "sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh", "tanh_shrink",
    ]
}  # fmt: skip
VARIANTS = {
    "relu:all": lambda k, x: k.activations.relu(x, 0.1, 1.5, 0.3),
    "leaky_relu:slope": lambda k, x: k.activations.leaky_relu(x, 0.4),
    "elu:alpha": lambda k, x: k.activations.elu(x, 0.4),
    "celu:alpha": lambda k, x: k.activations.celu(x, 0.4),
    "gelu:tanh": lambda k, x: k.activations.gelu(x, approximate=True),
    "softmax:first": lambda k, x: k.activations.softmax(x, axis=0),
    "log_softmax:first": lambda k, x: k.activations.log_softmax(x, axis=0),
    "glu:first": lambda k, x: k.activations.glu(x, axis=0),
    "soft_shrink:wide": lambda k, x: k.activations.soft_shrink(x, 1.1),
    "hard_shrink:wide": lambda k, x: k.activations.hard_shrink(x, 1.1),
    "threshold": lambda k, x: k.activations.threshold(x, 0.4, -0.2),
    "squareplus:b": lambda k, x: k.activations.squareplus(x, b=2),
}
REGULARIZERS = {
    "L1": lambda k: k.regularizers.L1(0.03),
    "L2": lambda k: k.regularizers.L2(0.04),
    "L1L2": lambda k: k.regularizers.L1L2(l1=0.02, l2=0.05),
    "name": lambda k: "l2",
    "orthogonal": lambda k: k.regularizers.OrthogonalRegularizer(0.2),
}
CONSTRAINTS = {
    "MaxNorm": lambda k: k.constraints.MaxNorm(1.1),
    "MaxNorm:rows": lambda k: k.constraints.MaxNorm(0.9, axis=1),
    "MinMaxNorm": lambda k: k.constraints.MinMaxNorm(0.6, 1.2, rate=0.5),
    "NonNeg": lambda k: k.constraints.NonNeg(),
    "UnitNorm": lambda k: k.constraints.UnitNorm(axis=[0, 1]),
    "name": lambda k: "unit_norm",
}
INITIALIZERS = {
    "Zeros": lambda k: k.initializers.Zeros(),
    "Ones": lambda k: k.initializers.Ones(),
    "Constant": lambda k: k.initializers.Constant(0.3),
    "Identity": lambda k: k.initializers.Identity(gain=0.7),
}


def _activation(function):
    """The value, and the gradient as one step of training a layer before it shows it."""

    def run(k):
        y = k.ops.convert_to_numpy(function(k, k.ops.convert_to_tensor(X)))
        model = k.Sequential(
            [k.Input((4,)), k.layers.Dense(4), k.layers.Activation(lambda x: function(k, x))]
        )
        model.layers[0].set_weights([np.eye(4, dtype="float32"), np.zeros(4, "float32")])
        model.compile(k.optimizers.SGD(1.0), "mse")
        targets = np.zeros(np.shape(y), "float32")
        if len(targets) == len(X):
            model.fit(X, targets, batch_size=6, epochs=1, shuffle=False, verbose=0)
        kernel, bias = model.get_weights()
        return {"y": y, "weight/kernel": kernel, "weight/bias": bias}

    return run


def _training(**arguments):
    """Three epochs of a layer that was made with `arguments`."""

    def run(k):
        given = {name: make(k) for name, make in arguments.items()}
        model = k.Sequential([k.Input((4,)), k.layers.Dense(5, **given)])
        initial = [KERNEL, BIAS]
        if "kernel_initializer" in given:
            initial = [model.get_weights()[0], BIAS]
        model.set_weights(initial)
        model.compile(k.optimizers.SGD(0.1), "mse")
        history = model.fit(X, Y, batch_size=3, epochs=3, shuffle=False, verbose=0)
        kernel, bias = model.get_weights()
        return {"loss": history.history["loss"], "weight/kernel": kernel, "weight/bias": bias}

    return run


def _named(name):
    return lambda k, x: getattr(k.activations, name)(x)


CASES = {
    **{f"activation {name}": _activation(_named(name)) for name in ACTIVATIONS},
    **{f"activation {name}": _activation(function) for name, function in VARIANTS.items()},
    **{
        f"regularizer {name}": _training(kernel_regularizer=make)
        for name, make in REGULARIZERS.items()
    },
    "regularizer of all": _training(
        kernel_regularizer=REGULARIZERS["L1"],
        bias_regularizer=REGULARIZERS["L2"],
        activity_regularizer=REGULARIZERS["L1L2"],
    ),
    **{
        f"constraint {name}": _training(kernel_constraint=make)
        for name, make in CONSTRAINTS.items()
    },
    "constraint of bias": _training(bias_constraint=CONSTRAINTS["NonNeg"]),
    **{
        f"initializer {name}": _training(kernel_initializer=make)
        for name, make in INITIALIZERS.items()
    },
}
