"""Which public callables are compared with Keras's, and how a signature is written down."""

LAYERS = ["Dense", "Flatten", "Reshape", "Activation", "ReLU", "Softmax", "Dropout"]
LOSSES = [
    "Loss",
    "SparseCategoricalCrossentropy",
    "CategoricalCrossentropy",
    "BinaryCrossentropy",
    "MeanSquaredError",
]
METRICS = [
    "Metric",
    "Mean",
    "MeanSquaredError",
    "Accuracy",
    "SparseCategoricalAccuracy",
    "CategoricalAccuracy",
    "BinaryAccuracy",
]
INITIALIZERS = [
    "Zeros",
    "Ones",
    "Constant",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "GlorotUniform",
    "GlorotNormal",
    "HeUniform",
    "HeNormal",
    "LecunUniform",
    "LecunNormal",
]
MODEL_METHODS = [
    "compile",
    "fit",
    "evaluate",
    "predict",
    "train_on_batch",
    "test_on_batch",
    "predict_on_batch",
    "summary",
    "get_layer",
    "get_weights",
    "set_weights",
    "count_params",
    "reset_metrics",
]
CALLBACK_METHODS = [
    f"on_{when}"
    for when in [
        "train_begin",
        "train_end",
        "epoch_begin",
        "epoch_end",
        "train_batch_begin",
        "train_batch_end",
        "test_begin",
        "test_end",
        "test_batch_begin",
        "test_batch_end",
        "predict_begin",
        "predict_end",
        "predict_batch_begin",
        "predict_batch_end",
    ]
]
ACTIVATIONS = [
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "linear",
    "elu",
    "selu",
    "softplus",
    "softsign",
    "exponential",
    "hard_sigmoid",
    "leaky_relu",
    "relu6",
    "silu",
    "gelu",
    "mish",
    "log_softmax",
]
OPS = [
    "abs",
    "add",
    "argmax",
    "argmin",
    "broadcast_to",
    "cast",
    "clip",
    "concatenate",
    "convert_to_numpy",
    "convert_to_tensor",
    "divide",
    "equal",
    "exp",
    "expand_dims",
    "greater",
    "less",
    "log",
    "log1p",
    "logical_and",
    "logical_not",
    "logical_or",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "multiply",
    "negative",
    "ones",
    "ones_like",
    "one_hot",
    "power",
    "prod",
    "relu",
    "reshape",
    "round",
    "sigmoid",
    "sign",
    "softmax",
    "sqrt",
    "square",
    "squeeze",
    "stop_gradient",
    "subtract",
    "sum",
    "tanh",
    "transpose",
    "where",
    "zeros",
    "zeros_like",
]

NAMES = [
    "Input",
    "Sequential.__init__",
    "Sequential.add",
    "Sequential.pop",
    *[f"Model.{name}" for name in MODEL_METHODS],
    *[f"layers.{name}" for name in LAYERS],
    "layers.Layer.__init__",
    "layers.Layer.add_weight",
    "layers.Layer.build",
    *[f"losses.{name}" for name in LOSSES],
    "losses.Loss.__call__",
    *[f"metrics.{name}" for name in METRICS],
    "metrics.MeanSquaredError.update_state",
    "optimizers.SGD",
    "optimizers.RMSprop",
    "optimizers.Adam",
    *[f"initializers.{name}" for name in INITIALIZERS],
    *[f"regularizers.{name}" for name in ["L1", "L2", "L1L2"]],
    *[f"constraints.{name}" for name in ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"]],
    *[f"activations.{name}" for name in ACTIVATIONS],
    *[
        f"{group}.get"
        for group in ["activations", "initializers", "losses", "metrics", "optimizers"]
    ],
    "callbacks.Callback",
    *[f"callbacks.Callback.{name}" for name in CALLBACK_METHODS],
    "callbacks.History",
    "callbacks.ProgbarLogger",
    "utils.to_categorical",
    "utils.set_random_seed",
    "datasets.mnist.load_data",
    "datasets.fashion_mnist.load_data",
    *[f"ops.{name}" for name in OPS],
]


def lookup(module, name):
    value = module
    for part in name.split("."):
        value = getattr(value, part)
    return value


def describe(module, name, signature):
    """[[parameter, kind, default], …]; kind and default as text, "" for no default."""
    described = []
    for parameter in signature(lookup(module, name)).parameters.values():
        default = "" if parameter.default is parameter.empty else repr(parameter.default)
        described.append([parameter.name, parameter.kind.name, default])
    return described
