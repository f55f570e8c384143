"""Losses: their values for every reduction, with and without weights, and a training run of each.

`RandomState` gives the same numbers in every version of NumPy, so the data need no file.
"""

import numpy as np

SAMPLES, FEATURES, CLASSES = 24, 5, 3
REDUCTIONS = ["sum", "mean", "sum_over_batch_size", "mean_with_sample_weight", "none", None]


def make_data():
    rng = np.random.RandomState(20240815)
    x = rng.normal(size=(SAMPLES, FEATURES))
    logits = rng.normal(size=(SAMPLES, CLASSES))
    labels = rng.randint(0, CLASSES, SAMPLES)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    data = {
        "x": x,
        "logits": logits,
        "probabilities": probabilities,
        "bits_p": 1 / (1 + np.exp(-logits)),
        "directions": logits / np.linalg.norm(logits, axis=-1, keepdims=True),
        "onehot": np.eye(CLASSES)[labels],
        "soft": rng.dirichlet(np.ones(CLASSES), SAMPLES),
        "bits": rng.randint(0, 2, (SAMPLES, CLASSES)),
        "signs": 2 * rng.randint(0, 2, (SAMPLES, CLASSES)) - 1,
        "real": rng.normal(size=(SAMPLES, CLASSES)),
        "counts": rng.poisson(2.0, (SAMPLES, CLASSES)),
        "weight": rng.uniform(0.25, 2.0, SAMPLES),
        "w0": rng.normal(scale=0.4, size=(FEATURES, CLASSES)),
        "b0": rng.normal(scale=0.1, size=CLASSES),
    }
    return {"labels": labels.astype("int32"), **{k: v.astype("float32") for k, v in data.items()}}


DATA = make_data()

# name -> (class, arguments, targets, predictions, activation of the model that is trained)
LOSSES = {
    "bce": ("BinaryCrossentropy", {}, "bits", "bits_p", "sigmoid"),
    "bce_logits": (
        "BinaryCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        "bits",
        "logits",
        None,
    ),
    "bce_axis": ("BinaryCrossentropy", {"axis": 0}, "bits", "bits_p", "sigmoid"),
    "focal": ("BinaryFocalCrossentropy", {}, "bits", "bits_p", "sigmoid"),
    "focal_balanced": (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5, "label_smoothing": 0.1},
        "bits",
        "bits_p",
        "sigmoid",
    ),
    "focal_logits": ("BinaryFocalCrossentropy", {"from_logits": True}, "bits", "logits", None),
    "cce": ("CategoricalCrossentropy", {}, "soft", "probabilities", "softmax"),
    "cce_logits": (
        "CategoricalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        "onehot",
        "logits",
        None,
    ),
    "cfocal": ("CategoricalFocalCrossentropy", {}, "onehot", "probabilities", "softmax"),
    "cfocal_logits": (
        "CategoricalFocalCrossentropy",
        {"from_logits": True, "alpha": 0.5, "gamma": 3.0, "label_smoothing": 0.2},
        "onehot",
        "logits",
        None,
    ),
    "cgce": ("CategoricalGeneralizedCrossEntropy", {}, "labels", "probabilities", "softmax"),
    "cgce_q": (
        "CategoricalGeneralizedCrossEntropy",
        {"q": 0.8},
        "labels",
        "probabilities",
        "softmax",
    ),
    "scce": ("SparseCategoricalCrossentropy", {}, "labels", "probabilities", "softmax"),
    "scce_ignore": (
        "SparseCategoricalCrossentropy",
        {"ignore_class": 1, "from_logits": True},
        "labels",
        "logits",
        None,
    ),
    "poisson": ("Poisson", {}, "counts", "bits_p", "softplus"),
    "kld": ("KLDivergence", {}, "soft", "probabilities", "softmax"),
    "mse": ("MeanSquaredError", {}, "real", "logits", None),
    "mae": ("MeanAbsoluteError", {}, "real", "logits", None),
    "mape": ("MeanAbsolutePercentageError", {}, "real", "logits", None),
    "msle": ("MeanSquaredLogarithmicError", {}, "counts", "bits_p", "softplus"),
    "cosine": ("CosineSimilarity", {}, "real", "logits", None),
    "huber": ("Huber", {}, "real", "logits", None),
    "huber_small": ("Huber", {"delta": 0.2}, "real", "logits", None),
    "log_cosh": ("LogCosh", {}, "real", "logits", None),
    "hinge": ("Hinge", {}, "signs", "logits", None),
    "hinge_bits": ("Hinge", {}, "bits", "logits", "tanh"),
    "squared_hinge": ("SquaredHinge", {}, "signs", "logits", None),
    "categorical_hinge": ("CategoricalHinge", {}, "onehot", "logits", None),
    "dice": ("Dice", {}, "bits", "bits_p", "sigmoid"),
    "dice_axis": ("Dice", {"axis": -1}, "bits", "bits_p", "sigmoid"),
    "tversky": ("Tversky", {"alpha": 0.3, "beta": 0.8}, "bits", "bits_p", "sigmoid"),
    "tversky_axis": ("Tversky", {"axis": (1,)}, "bits", "bits_p", "sigmoid"),
    "circle": ("Circle", {}, "labels", "directions", "unit"),
    "circle_all": (
        "Circle",
        {"gamma": 10.0, "margin": 0.2, "remove_diagonal": False},
        "labels",
        "directions",
        "unit",
    ),
}

# Sums over the batch give a value per column, which weights of samples do not fit.
UNWEIGHTED = {"bce_axis"}

FUNCTIONS = {
    "bce": ("bits", "sigmoid"),
    "binary_focal_crossentropy": ("bits", "sigmoid"),
    "categorical_focal_crossentropy": ("onehot", "softmax"),
    "circle": ("labels", "unit"),
    "cosine_similarity": ("real", None),
    "dice": ("bits", "sigmoid"),
    "huber": ("real", None),
    "kld": ("soft", "softmax"),
    "log_cosh": ("real", None),
    "mape": ("real", None),
    "msle": ("counts", "softplus"),
    "poisson": ("counts", "softplus"),
    "squared_hinge": ("signs", None),
    "tversky": ("bits", "sigmoid"),
}


def values(name):
    """Every reduction, with and without weights of samples."""
    cls, arguments, target, prediction, _ = LOSSES[name]

    def run(k):
        found = {}
        for weighted in (False,) if name in UNWEIGHTED else (False, True):
            for reduction in REDUCTIONS:
                loss = getattr(k.losses, cls)(reduction=reduction, **arguments)
                value = loss(DATA[target], DATA[prediction], DATA["weight"] if weighted else None)
                found[f"{'weighted' if weighted else 'plain'}/{reduction}"] = np.asarray(value)
        return found

    return run


def model_for(k, activation):
    """Dense, and an activation or, for embeddings, a length of 1."""

    def unit(x):
        return x / k.ops.sqrt(k.ops.sum(k.ops.square(x), axis=-1, keepdims=True))

    model = k.Sequential(
        [
            k.Input((FEATURES,)),
            k.layers.Dense(CLASSES, activation=unit if activation == "unit" else activation),
        ]
    )
    model.set_weights([DATA["w0"], DATA["b0"]])
    return model


def train(loss, target, activation, weighted=False):
    def run(k):
        model = model_for(k, activation)
        model.compile(k.optimizers.SGD(0.02), loss(k))
        weight = DATA["weight"] if weighted else None
        history = model.fit(
            DATA["x"],
            DATA[target],
            batch_size=8,
            epochs=2,
            shuffle=False,
            verbose=0,
            sample_weight=weight,
        )
        found = {f"history/{key}": value for key, value in history.history.items()}
        found["evaluate"] = model.evaluate(DATA["x"], DATA[target], verbose=0)
        for i, weight in enumerate(model.get_weights()):
            found[f"weight/{i}"] = weight
        return found

    return run


def by_class(name):
    cls, arguments, target, _, activation = LOSSES[name]
    return train(lambda k: getattr(k.losses, cls)(**arguments), target, activation)


def weighted_by_class(name):
    cls, arguments, target, _, activation = LOSSES[name]
    arguments = {**arguments, "reduction": "mean_with_sample_weight"}
    return train(lambda k: getattr(k.losses, cls)(**arguments), target, activation, weighted=True)


def by_name(name):
    target, activation = FUNCTIONS[name]
    return train(lambda k: name, target, activation)


# A loss of the whole batch has no samples that weights could go to.
WEIGHTED = set(LOSSES) - UNWEIGHTED - {"dice", "tversky"}

CASES = {
    **{f"values_{name}": values(name) for name in LOSSES},
    **{f"fit_{name}": by_class(name) for name in LOSSES},
    **{f"weighted_{name}": weighted_by_class(name) for name in sorted(WEIGHTED)},
    **{f"name_{name}": by_name(name) for name in FUNCTIONS},
}
