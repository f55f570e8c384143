"""The training runs that are recorded from Keras and replayed with hotloop.

Every function takes the module to run with (`k` is `keras` or `hotloop`), so the recorder and the
test run the same lines. Data and initial weights come from the golden file, never from either
library. Nothing here draws random numbers: no dropout, no shuffling.
"""

import numpy as np

FEATURES, HIDDEN, CLASSES = 12, 8, 4
BATCH, STEPS_PER_EPOCH, EPOCHS = 16, 10, 5  # 50 steps
SAMPLES = BATCH * STEPS_PER_EPOCH


def make_data():
    """Inputs, targets of every kind, weights of samples, and initial weights, by name."""
    rng = np.random.default_rng(20240607)
    x = rng.normal(size=(SAMPLES, FEATURES)).astype("float32")
    teacher = rng.normal(size=(FEATURES, CLASSES))
    labels = (x @ teacher + rng.normal(size=(SAMPLES, CLASSES))).argmax(axis=1)
    return {
        "x": x,
        "labels": labels.astype("int32"),
        "onehot": np.eye(CLASSES, dtype="float32")[labels],
        "bits": rng.integers(0, 2, size=(SAMPLES, CLASSES)).astype("float32"),
        "bit": rng.integers(0, 2, size=(SAMPLES, 1)).astype("float32"),
        "real": rng.normal(size=(SAMPLES, CLASSES)).astype("float32"),
        "sample_weight": rng.uniform(0.25, 2.0, size=SAMPLES).astype("float32"),
        "w0": rng.normal(scale=0.4, size=(FEATURES, HIDDEN)).astype("float32"),
        "b0": rng.normal(scale=0.1, size=HIDDEN).astype("float32"),
        "w1": rng.normal(scale=0.4, size=(HIDDEN, CLASSES)).astype("float32"),
        "b1": rng.normal(scale=0.1, size=CLASSES).astype("float32"),
    }


def log_square(k):
    """A loss of the user's own."""

    def loss(y_true, y_pred):
        return k.ops.mean(k.ops.log1p(k.ops.square(y_true - y_pred)), axis=-1)

    return loss


# name -> (loss, target array, activation of the output layer)
LOSSES = {
    "sparse": (lambda k: "sparse_categorical_crossentropy", "labels", "softmax"),
    "sparse_logits": (
        lambda k: k.losses.SparseCategoricalCrossentropy(from_logits=True),
        "labels",
        None,
    ),
    "categorical": (lambda k: "categorical_crossentropy", "onehot", "softmax"),
    "categorical_logits": (
        lambda k: k.losses.CategoricalCrossentropy(from_logits=True),
        "onehot",
        None,
    ),
    "binary": (lambda k: "binary_crossentropy", "bits", "sigmoid"),
    "binary_logits": (lambda k: k.losses.BinaryCrossentropy(from_logits=True), "bits", None),
    "mse": (lambda k: "mean_squared_error", "real", None),
    "callable": (log_square, "real", None),
}

OPTIMIZERS = {
    "sgd": lambda k: k.optimizers.SGD(0.05),
    "momentum": lambda k: k.optimizers.SGD(0.02, momentum=0.9),
    "nesterov": lambda k: k.optimizers.SGD(0.02, momentum=0.9, nesterov=True),
    "rmsprop": lambda k: k.optimizers.RMSprop(0.002),
    "rmsprop_momentum": lambda k: k.optimizers.RMSprop(0.001, rho=0.85, momentum=0.8),
    "rmsprop_centered": lambda k: k.optimizers.RMSprop(0.002, centered=True),
    "adam": lambda k: k.optimizers.Adam(0.003),
    "amsgrad": lambda k: k.optimizers.Adam(0.003, beta_1=0.85, amsgrad=True),
}

ACTIVATIONS = ["relu", "sigmoid", "tanh", "softmax", None]

CROSS = [
    (loss, optimizer, activation)
    for loss in LOSSES
    for optimizer in OPTIMIZERS
    for activation in ACTIVATIONS
]


def cross_name(case):
    return "-".join(str(part) for part in case)


def classifier(k, data, activation="relu", output="softmax", hidden=None, last=None):
    """FEATURES-HIDDEN-CLASSES with the golden weights; `hidden`, `last` go to the Dense layers."""
    model = k.Sequential(
        [
            k.Input((FEATURES,)),
            k.layers.Dense(HIDDEN, activation=activation, **(hidden or {})),
            k.layers.Dense(CLASSES, activation=output, **(last or {})),
        ]
    )
    model.set_weights([data["w0"], data["b0"], data["w1"], data["b1"]])
    return model


def step_losses(k, model, x, y):
    """The loss of every single step of `fit`, from the running means that batch logs carry."""
    losses = []

    class Steps(k.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.total = 0.0

        def on_train_batch_end(self, batch, logs=None):
            total = float(logs["loss"]) * (batch + 1)
            losses.append(total - self.total)
            self.total = total

    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0, callbacks=[Steps()])
    return np.array(losses, "float32")


def run_cross(k, data, case):
    """One of loss x optimizer x activation: the loss of 50 steps, and the weights they lead to."""
    loss, optimizer, activation = case
    make_loss, target, output = LOSSES[loss]
    model = classifier(k, data, activation, output)
    model.compile(optimizer=OPTIMIZERS[optimizer](k), loss=make_loss(k))
    losses = step_losses(k, model, data["x"], data[target])
    weights = np.concatenate([w.ravel() for w in model.get_weights()])
    return {"losses": losses, "weights": weights}


# --- single features -----------------------------------------------------------------------------


def outcome(model, history=None, **arrays):
    """What a feature case leaves behind: history, final weights and any other arrays."""
    result = {
        f"history/{key}": np.array(v) for key, v in (history.history if history else {}).items()
    }
    for i, weight in enumerate(model.get_weights()):
        result[f"weight/{i}"] = weight
    for key, value in arrays.items():
        result[f"value/{key}"] = np.asarray(value)
    return result


def fit_feature(
    target="labels",
    output="softmax",
    activation="relu",
    loss="sparse_categorical_crossentropy",
    optimizer=lambda k: k.optimizers.Adam(0.003),
    metrics=None,
    compile_args=None,
    hidden=None,
    last=None,
    **fit_args,
):
    """A case that trains for three epochs; values that need the library are functions of it."""

    def value(k, v):
        return v(k) if callable(v) else v

    def run(k, data):
        model = classifier(
            k,
            data,
            activation,
            output,
            {key: value(k, v) for key, v in (hidden or {}).items()},
            {key: value(k, v) for key, v in (last or {}).items()},
        )
        model.compile(
            optimizer=value(k, optimizer),
            loss=value(k, loss),
            metrics=value(k, metrics),
            **(compile_args or {}),
        )
        args = {"batch_size": BATCH, "epochs": 3, "shuffle": False, "verbose": 0}
        args.update({key: v(data) if callable(v) else v for key, v in fit_args.items()})
        history = model.fit(data["x"], data[target], **args)
        return outcome(model, history, predict=model.predict(data["x"][:7], verbose=0))

    return run


def evaluate_weighted(k, data):
    model = classifier(k, data)
    model.compile(
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
    )
    plain = model.evaluate(data["x"], data["labels"], batch_size=48, verbose=0)
    weighted = model.evaluate(
        data["x"], data["labels"], 48, sample_weight=data["sample_weight"], verbose=0
    )
    named = model.evaluate(data["x"], data["labels"], verbose=0, return_dict=True)
    return outcome(model, plain=plain, weighted=weighted, named=[named[n] for n in sorted(named)])


def on_batch(k, data):
    """train_on_batch, test_on_batch and predict_on_batch, with their running metrics."""
    model = classifier(k, data)
    model.compile(
        optimizer=k.optimizers.SGD(0.05),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    x, y, w = data["x"], data["labels"], data["sample_weight"]
    trained = [model.train_on_batch(x[i : i + 16], y[i : i + 16]) for i in range(0, 64, 16)]
    weighted = model.train_on_batch(x[:16], y[:16], sample_weight=w[:16])
    classed = model.train_on_batch(x[:16], y[:16], class_weight={0: 2.0, 1: 1.0, 2: 0.5, 3: 0.0})
    model.reset_metrics()
    tested = model.test_on_batch(x[:16], y[:16])
    again = model.test_on_batch(x[16:40], y[16:40])
    return outcome(
        model,
        trained=trained,
        weighted=weighted,
        classed=classed,
        tested=tested,
        again=again,
        predicted=model.predict_on_batch(x[:5]),
    )


def functional(k, data):
    inputs = k.Input((3, 4))
    h = k.layers.Flatten()(inputs)
    h = k.layers.Dense(HIDDEN)(h)
    h = k.layers.ReLU(negative_slope=0.1)(h)
    outputs = k.layers.Softmax()(k.layers.Dense(CLASSES)(h))
    model = k.Model(inputs, outputs)
    model.set_weights([data["w0"], data["b0"], data["w1"], data["b1"]])
    model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
    x = data["x"].reshape(-1, 3, 4)
    history = model.fit(x, data["onehot"], 32, epochs=2, shuffle=False, verbose=0)
    return outcome(model, history, predict=model.predict(x[:9], batch_size=4, verbose=0))


def nested(k, data):
    """A trained model inside another, which shares its weights."""
    model = classifier(k, data, output=None)
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    outer = k.Sequential([model, k.layers.Softmax()])
    history = model.fit(data["x"], data["labels"], BATCH, shuffle=False, verbose=0)
    return outcome(model, history, predict=outer.predict(data["x"][:6], verbose=0))


def frozen_layer(k, data):
    model = classifier(k, data)
    model.layers[0].trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(data["x"], data["labels"], BATCH, epochs=2, shuffle=False, verbose=0)
    return outcome(model, history)


def binary_output(k, data):
    model = k.Sequential([k.Input((FEATURES,)), k.layers.Dense(1, activation="sigmoid")])
    model.set_weights([data["w0"][:, :1], data["b0"][:1]])
    model.compile(
        "adam",
        "binary_crossentropy",
        metrics=["accuracy", k.metrics.BinaryAccuracy("b", threshold=0.4)],
    )
    history = model.fit(data["x"], data["bit"], BATCH, epochs=3, shuffle=False, verbose=0)
    return outcome(model, history)


def learning_rate_changes(k, data):
    model = classifier(k, data)
    model.compile(k.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    losses = []
    for rate in (0.01, 0.001, 0.05):
        model.optimizer.learning_rate = rate
        history = model.fit(data["x"], data["labels"], BATCH, shuffle=False, verbose=0)
        losses += history.history["loss"]
    return outcome(model, losses=losses, rate=float(model.optimizer.learning_rate))


def resumed(k, data):
    """initial_epoch and a second fit, which goes on with the optimizer's state."""
    model = classifier(k, data)
    model.compile("adam", "sparse_categorical_crossentropy")
    args = {"batch_size": BATCH, "shuffle": False, "verbose": 0}
    first = model.fit(data["x"], data["labels"], epochs=2, **args)
    second = model.fit(data["x"], data["labels"], epochs=4, initial_epoch=2, **args)
    epochs = first.epoch + second.epoch
    losses = first.history["loss"] + second.history["loss"]
    return outcome(model, losses=losses, epochs=epochs, iterations=int(model.optimizer.iterations))


FEATURE_CASES = {
    "metrics_sparse": fit_feature(
        metrics=lambda k: ["accuracy", k.metrics.SparseCategoricalAccuracy(name="sca")]
    ),
    "metrics_categorical": fit_feature(
        target="onehot",
        loss="categorical_crossentropy",
        metrics=lambda k: ["acc", k.metrics.CategoricalAccuracy(), "mse"],
    ),
    "metrics_binary": fit_feature(
        target="bits",
        output="sigmoid",
        loss="binary_crossentropy",
        metrics=lambda k: ["accuracy", "binary_accuracy", k.metrics.MeanSquaredError(name="m")],
    ),
    "metrics_callable": fit_feature(
        target="real",
        output=None,
        loss="mse",
        metrics=lambda k: [log_square(k), "mean_squared_error"],
    ),
    "weighted_metrics": fit_feature(
        metrics=["accuracy"],
        compile_args={"weighted_metrics": ["accuracy"]},
        sample_weight=lambda data: data["sample_weight"],
    ),
    "sample_weight": fit_feature(sample_weight=lambda data: data["sample_weight"]),
    "class_weight": fit_feature(class_weight={0: 1.0, 1: 2.5, 2: 0.5, 3: 1.25}),
    "class_weight_onehot": fit_feature(
        target="onehot",
        loss="categorical_crossentropy",
        class_weight={0: 1.0, 1: 2.5, 2: 0.5, 3: 1},
    ),
    "short_last_batch": fit_feature(metrics=["accuracy"], batch_size=48),
    "steps_per_epoch": fit_feature(steps_per_epoch=4),
    "validation_split": fit_feature(metrics=["accuracy"], validation_split=0.25),
    "validation_data": fit_feature(
        metrics=["accuracy"],
        validation_data=lambda data: (data["x"][:50], data["labels"][:50]),
        validation_batch_size=20,
    ),
    "validation_weighted": fit_feature(
        validation_data=lambda data: (
            data["x"][:50],
            data["labels"][:50],
            data["sample_weight"][:50],
        )
    ),
    "validation_freq": fit_feature(
        validation_data=lambda data: (data["x"][:32], data["labels"][:32]), validation_freq=2
    ),
    "regularizer_l1": fit_feature(hidden={"kernel_regularizer": lambda k: k.regularizers.L1(0.01)}),
    "regularizer_l2": fit_feature(hidden={"kernel_regularizer": "l2", "bias_regularizer": "l2"}),
    "regularizer_l1l2": fit_feature(
        last={"kernel_regularizer": lambda k: k.regularizers.L1L2(l1=0.01, l2=0.02)}
    ),
    "regularizer_activity": fit_feature(
        hidden={"activity_regularizer": lambda k: k.regularizers.L2(0.01)}
    ),
    "constraint_max_norm": fit_feature(
        hidden={"kernel_constraint": lambda k: k.constraints.MaxNorm(0.8)}
    ),
    "constraint_non_neg": fit_feature(hidden={"kernel_constraint": "non_neg"}),
    "constraint_unit_norm": fit_feature(hidden={"kernel_constraint": "unit_norm"}),
    "constraint_min_max_norm": fit_feature(
        hidden={"kernel_constraint": lambda k: k.constraints.MinMaxNorm(0.5, 0.9, rate=0.5)}
    ),
    "label_smoothing": fit_feature(
        target="onehot", loss=lambda k: k.losses.CategoricalCrossentropy(label_smoothing=0.1)
    ),
    "binary_label_smoothing": fit_feature(
        target="bits",
        output="sigmoid",
        loss=lambda k: k.losses.BinaryCrossentropy(label_smoothing=0.2),
    ),
    "reduction_sum": fit_feature(
        loss=lambda k: k.losses.SparseCategoricalCrossentropy(reduction="sum"),
        optimizer=lambda k: k.optimizers.SGD(0.002),
    ),
    "ignore_class": fit_feature(
        loss=lambda k: k.losses.SparseCategoricalCrossentropy(ignore_class=2)
    ),
    "clipnorm": fit_feature(optimizer=lambda k: k.optimizers.SGD(0.1, clipnorm=0.05)),
    "global_clipnorm": fit_feature(optimizer=lambda k: k.optimizers.SGD(0.1, global_clipnorm=0.05)),
    "clipvalue": fit_feature(optimizer=lambda k: k.optimizers.SGD(0.1, clipvalue=0.01)),
    "weight_decay": fit_feature(optimizer=lambda k: k.optimizers.Adam(0.003, weight_decay=0.1)),
    "optimizer_sgd": fit_feature(optimizer="sgd"),
    "optimizer_rmsprop": fit_feature(optimizer="rmsprop"),
    "optimizer_adam": fit_feature(optimizer="adam"),
    **{
        f"activation_{name}": fit_feature(activation=name, optimizer="adam")
        for name in [
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
    },
    "evaluate_weighted": evaluate_weighted,
    "on_batch": on_batch,
    "functional": functional,
    "nested": nested,
    "frozen_layer": frozen_layer,
    "binary_output": binary_output,
    "learning_rate_changes": learning_rate_changes,
    "resumed": resumed,
}
