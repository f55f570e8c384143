"""compile, fit, evaluate and predict in all their argument forms, with one and several outputs.

`RandomState` gives the same numbers in every version of NumPy, so the data need no file.
"""

import numpy as np

SAMPLES, FEATURES, HIDDEN, BATCH = 24, 5, 4, 6


def make_data():
    rng = np.random.RandomState(20250311)
    data = {
        "x": rng.normal(size=(SAMPLES, FEATURES)),
        "x2": rng.normal(size=(SAMPLES, 3)),
        "real": rng.normal(size=(SAMPLES, 2)),
        "one": rng.normal(size=(SAMPLES, 1)),
        "onehot": np.eye(3)[rng.randint(0, 3, SAMPLES)],
        "bit": rng.randint(0, 2, (SAMPLES, 1)),
        "bits": rng.randint(0, 2, (SAMPLES, 2)),
        "w": rng.uniform(0.25, 2.0, SAMPLES),
        "v": rng.uniform(0.25, 2.0, SAMPLES),
        "steps": rng.normal(size=(SAMPLES, 3, FEATURES)),
        "step_targets": rng.normal(size=(SAMPLES, 3, 2)),
        "step_weights": rng.uniform(0.25, 2.0, (SAMPLES, 3)),
    }
    made = {key: value.astype("float32") for key, value in data.items()}
    made["labels"] = rng.randint(0, 3, SAMPLES).astype("int32")
    return made


D = make_data()
SPARSE = "sparse_categorical_crossentropy"


def set_weights(model, seed=7):
    """The same weights in both libraries, whatever their initializers draw."""
    rng = np.random.RandomState(seed)
    model.set_weights(
        [rng.normal(scale=0.4, size=w.shape).astype("float32") for w in model.weights]
    )
    return model


# --- models ---------------------------------------------------------------------------------------


def single(k, units=2, activation=None, name="out"):
    x = k.Input((FEATURES,), name="x")
    hidden = k.layers.Dense(HIDDEN, activation="tanh")(x)
    return set_weights(k.Model(x, k.layers.Dense(units, activation=activation, name=name)(hidden)))


def double(k, kind="list"):
    """Class probabilities `lb` and numbers `la`."""
    x = k.Input((FEATURES,), name="x")
    hidden = k.layers.Dense(HIDDEN, activation="tanh")(x)
    a = k.layers.Dense(2, name="la")(hidden)
    b = k.layers.Dense(3, activation="softmax", name="lb")(hidden)
    outputs = {
        "list": [b, a],
        "tuple": (b, a),
        "dict": {"zz": b, "a": a},
        "named": {"lb": b, "la": a},
        "nest": {"q": [b, a]},
    }[kind]
    return set_weights(k.Model(x, outputs))


def shared(k):
    """Two inputs through one layer; their sum and difference."""
    a, b = k.Input((FEATURES,), name="a"), k.Input((FEATURES,), name="b")
    layer = k.layers.Dense(2, activation="tanh")
    one, two = layer(a), layer(b)
    return set_weights(k.Model({"a": a, "b": b}, {"sum": one + two, "difference": one - two}))


def nested(k):
    """Models in models, several paths, functions between them."""
    i = k.Input((HIDDEN,))
    tower = k.Model(i, [k.layers.Dense(3, activation="relu")(i), i * 0.5])
    x, x2 = k.Input((FEATURES,)), k.Input((3,))
    stem = k.Sequential([k.layers.Dense(HIDDEN, activation="tanh")])
    left, right = tower(stem(x))
    joined = k.ops.concatenate([left * x2, k.ops.mean(right, axis=1, keepdims=True), x2], axis=-1)
    return set_weights(k.Model([x, x2], k.layers.Dense(2)(joined)))


def subclass(k, kind="list"):
    class Net(k.Model):
        def __init__(self):
            super().__init__()
            self.hidden = k.layers.Dense(HIDDEN, activation="tanh")
            self.a = k.layers.Dense(2)
            self.b = k.layers.Dense(3, activation="softmax")

        def call(self, x, training=None):
            x = self.hidden(x)
            if training:
                x = 2.0 * x
            if kind == "one":
                return self.a(x)
            return [self.b(x), self.a(x)] if kind == "list" else {"b": self.b(x), "a": self.a(x)}

    model = Net()
    model(D["x"][:2])
    return set_weights(model)


# --- runs -----------------------------------------------------------------------------------------


def outcome(k, model, history, x, y, weights=None):
    """History, weights, evaluate in both forms and predict."""
    found = {f"history/{key}": values for key, values in history.history.items()}
    named = model.evaluate(
        x, y, batch_size=BATCH, sample_weight=weights, verbose=0, return_dict=True
    )
    listed = model.evaluate(x, y, batch_size=BATCH, sample_weight=weights, verbose=0)
    found |= {f"evaluate/{key}": value for key, value in named.items()}
    found["evaluate_list"] = np.asarray(listed)
    predicted = model.predict(x, batch_size=BATCH, verbose=0)
    leaves = [predicted[key] for key in sorted(predicted)] if isinstance(predicted, dict) else None
    if leaves is None:
        leaves = predicted if isinstance(predicted, (list, tuple)) else [predicted]
    for i, leaf in enumerate(leaves):
        if not isinstance(leaf, list):
            found[f"predict/{i}"] = leaf[:4]
    for i, weight in enumerate(model.get_weights()):
        found[f"weight/{i}"] = weight
    return found


def fit(make, x="x", y="real", optimizer=None, weights=None, fit_args=None, **compile_args):
    """A case: compile, two epochs of fit, evaluate, predict. Values may be functions of `k`."""

    def run(k):
        model = make(k)
        args = {key: v(k) if callable(v) else v for key, v in compile_args.items()}
        model.compile(optimizer(k) if optimizer else k.optimizers.SGD(0.1), **args)
        inputs = pick(x)
        targets = pick(y)
        settings = {"batch_size": BATCH, "epochs": 2, "shuffle": False, "verbose": 0}
        settings |= {key: v(k) if callable(v) else v for key, v in (fit_args or {}).items()}
        history = model.fit(inputs, targets, sample_weight=pick(weights), **settings)
        return outcome(k, model, history, inputs, targets, pick(weights))

    return run


def pick(names):
    """Arrays for names, in their structure."""
    if names is None:
        return None
    if isinstance(names, str):
        return D[names]
    if isinstance(names, dict):
        return {key: pick(name) for key, name in names.items()}
    return type(names)(pick(name) for name in names)


def two(kind, y, loss, **kwargs):
    return fit(lambda k: double(k, kind), y=y, loss=loss, **kwargs)


def log_cosh(k):
    def loss(y_true, y_pred):
        return k.ops.mean(k.ops.log(k.ops.cosh(y_pred - y_true)), axis=-1)

    return loss


def largest_error(k):
    def error(y_true, y_pred):
        return k.ops.max(k.ops.abs(y_true - y_pred), axis=-1)

    return error


LIST = ["labels", "real"]
CASES = {
    # losses and metrics of one output
    "loss_string": fit(single, loss="mse"),
    "loss_instance": fit(single, loss=lambda k: k.losses.MeanSquaredError(reduction="sum")),
    "loss_function": fit(single, loss=lambda k: k.losses.mean_absolute_error),
    "loss_callable": fit(single, loss=log_cosh),
    "loss_list": fit(single, loss=["mse"], metrics=[["mae"]]),
    "loss_dict": fit(single, loss={"out": "mse"}, metrics={"out": ["mae"]}),
    "loss_y_list": fit(single, y=["real"], loss=["mse"]),
    "metric_forms": fit(
        single,
        loss="mse",
        metrics=lambda k: ["mae", k.metrics.MeanSquaredError(name="m"), largest_error(k)],
    ),
    "metrics_nested": fit(single, loss="mse", metrics=[["mae"], ["mse"]]),
    "weighted_metrics": fit(
        single, loss="mse", metrics=["mae"], weighted_metrics=["mae", "mse"], weights="w"
    ),
    "accuracy_binary": fit(
        lambda k: single(k, 1, "sigmoid"), y="bit", loss="crossentropy", metrics=["accuracy"]
    ),
    "accuracy_sparse": fit(
        lambda k: single(k, 3, "softmax"), y="labels", loss="crossentropy", metrics=["acc"]
    ),
    "accuracy_categorical": fit(
        lambda k: single(k, 3, "softmax"), y="onehot", loss="ce", metrics=["accuracy", "acc"]
    ),
    "optimizer_string": fit(single, loss="mse", optimizer=lambda k: "adam"),
    "run_eagerly": fit(single, loss="mse", metrics=["mae"], run_eagerly=True),
    "steps_per_execution": fit(single, loss="mse", metrics=["mae"], steps_per_execution=2),
    # several outputs
    "list": two("list", LIST, [SPARSE, "mse"]),
    "tuple": two("tuple", ("labels", "real"), [SPARSE, "mse"], metrics=["acc", "mae"]),
    "list_one_loss": two("list", ["onehot", "real"], "mse", metrics=["mae", "mse"]),
    "list_loss_dict": two("list", LIST, {"la": "mse", "lb": SPARSE}),
    "list_y_dict": two("list", {"la": "real", "lb": "labels"}, [SPARSE, "mse"]),
    "list_metrics": two(
        "list",
        LIST,
        lambda k: [k.losses.SparseCategoricalCrossentropy(), log_cosh(k)],
        metrics=[["accuracy"], ["mae", "mse"]],
    ),
    "list_metrics_dict": two("list", LIST, [SPARSE, "mse"], metrics={"la": ["mae"], "lb": "acc"}),
    "list_metrics_partial": two("list", LIST, [SPARSE, "mse"], metrics={"la": "mae"}),
    "list_metrics_none": two("list", LIST, [SPARSE, "mse"], metrics=[None, ["mae"]]),
    "list_weighted_metrics": two(
        "list",
        LIST,
        [SPARSE, "mse"],
        metrics={"lb": ["acc"]},
        weighted_metrics={"lb": ["acc"], "la": ["mae"]},
        weights="w",
    ),
    "loss_weights_list": two("list", LIST, [SPARSE, "mse"], loss_weights=[0.25, 3.0]),
    "loss_weights_dict": two(
        "list", LIST, {"la": "mse", "lb": SPARSE}, loss_weights={"la": 0.25, "lb": 3.0}
    ),
    "loss_weights_one": two("list", ["onehot", "real"], "mse", loss_weights=0.5),
    "dict": two(
        "dict",
        {"zz": "labels", "a": "real"},
        {"zz": SPARSE, "a": "mse"},
        metrics={"zz": ["acc"], "a": ["mae"]},
    ),
    "dict_loss_list": two("dict", {"zz": "labels", "a": "real"}, ["mse", SPARSE]),
    "dict_loss_string": two("dict", {"zz": "onehot", "a": "real"}, "mse"),
    "dict_weights": two(
        "dict",
        {"zz": "labels", "a": "real"},
        {"zz": SPARSE, "a": "mse"},
        loss_weights={"zz": 0.5, "a": 2.0},
        weighted_metrics={"a": ["mae"]},
        weights={"zz": "w", "a": "v"},
    ),
    "dict_named_like_layers": two(
        "named",
        {"lb": "labels", "la": "real"},
        {"lb": SPARSE, "la": "mse"},
        metrics={"lb": ["acc"]},
    ),
    "nest": two("nest", {"q": LIST}, {"q": [SPARSE, "mse"]}, metrics={"q": [["acc"], ["mae"]]}),
    "sample_weight_list": two("list", LIST, [SPARSE, "mse"], weights=["w", "v"]),
    "sample_weight_one": two("list", LIST, [SPARSE, "mse"], weights="w"),
    "sub_list": fit(subclass, y=LIST, loss=[SPARSE, "mse"], metrics=[["acc"], ["mae"]]),
    "sub_dict": fit(
        lambda k: subclass(k, "dict"),
        y={"b": "labels", "a": "real"},
        loss={"b": SPARSE, "a": "mse"},
        metrics={"b": ["acc"], "a": ["mae"]},
    ),
    "sub_one": fit(lambda k: subclass(k, "one"), loss="mse", metrics=["mae"]),
    "shared_layers": fit(
        shared,
        x={"a": "x", "b": "x"},
        y={"sum": "real", "difference": "real"},
        loss={"sum": "mse", "difference": "mae"},
    ),
    "nested_models": fit(nested, x=["x", "x2"], loss="mse", metrics=["mae"]),
    # weights
    "temporal_weights": fit(
        lambda k: set_weights(k.Sequential([k.Input((3, FEATURES)), k.layers.Dense(2)])),
        x="steps",
        y="step_targets",
        loss="mse",
        weighted_metrics=["mae"],
        weights="step_weights",
    ),
    "class_weight_sparse": fit(
        lambda k: single(k, 3, "softmax"),
        y="labels",
        loss=SPARSE,
        weighted_metrics=["acc"],
        fit_args={"class_weight": {0: 0.5, 1: 2.0, 2: 1.0}},
    ),
    "class_weight_onehot": fit(
        lambda k: single(k, 3, "softmax"),
        y="onehot",
        loss="categorical_crossentropy",
        fit_args={"class_weight": {0: 0.5, 1: 2.0}},
    ),
    "class_weight_column": fit(
        lambda k: single(k, 1, "sigmoid"),
        y="bit",
        loss="binary_crossentropy",
        fit_args={"class_weight": {0: 0.5, 1: 2.0}},
    ),
    # validation and steps
    "validation_split": fit(single, loss="mse", fit_args={"validation_split": 0.25}),
    "validation_data": two(
        "list",
        LIST,
        [SPARSE, "mse"],
        metrics=["acc", "mae"],
        fit_args={
            "epochs": 3,
            "validation_data": (D["x"][::-1], [D["labels"], D["real"]]),
            "validation_batch_size": 5,
            "validation_freq": [1, 3],
        },
    ),
    "validation_weights": two(
        "dict",
        {"zz": "labels", "a": "real"},
        {"zz": SPARSE, "a": "mse"},
        fit_args={
            "validation_data": (
                D["x"][:10],
                {"zz": D["labels"][:10], "a": D["real"][:10]},
                {"zz": D["w"][:10], "a": D["v"][:10]},
            ),
        },
    ),
    "validation_freq_and_steps": fit(
        single,
        loss="mse",
        metrics=["mae"],
        fit_args={
            "epochs": 4,
            "validation_data": (D["x"], D["real"] + 1),
            "validation_steps": 2,
            "validation_freq": 2,
        },
    ),
    "steps_per_epoch": fit(single, loss="mse", fit_args={"steps_per_epoch": 2, "epochs": 3}),
    "initial_epoch": fit(single, loss="mse", fit_args={"initial_epoch": 2, "epochs": 5}),
}


def case(function):
    CASES[function.__name__] = function
    return function


@case
def on_batch(k):
    """train_on_batch, test_on_batch and predict_on_batch with all their arguments."""
    model = double(k)
    model.compile(k.optimizers.Adam(0.05), [SPARSE, "mse"], weighted_metrics=[["acc"], ["mae"]])
    found = {}
    y = [D["labels"], D["real"]]
    for step in range(3):
        found[f"train/{step}"] = np.asarray(model.train_on_batch(D["x"], y))
    logs = model.train_on_batch(D["x"], y, sample_weight=[D["w"], D["v"]], return_dict=True)
    found |= {f"train_dict/{key}": value for key, value in logs.items()}
    found["test"] = np.asarray(model.test_on_batch(D["x"], y, sample_weight=D["w"]))
    logs = model.test_on_batch(D["x"][:7], [part[:7] for part in y], return_dict=True)
    found |= {f"test_dict/{key}": value for key, value in logs.items()}
    for i, leaf in enumerate(model.predict_on_batch(D["x"][:3])):
        found[f"predict/{i}"] = leaf
    found |= {f"weight/{i}": w for i, w in enumerate(model.get_weights())}
    return found


@case
def on_batch_class_weight(k):
    model = single(k, 3, "softmax")
    model.compile("sgd", SPARSE, metrics=["acc"])
    weights = {0: 3.0, 2: 0.5}
    found = {"list": np.asarray(model.train_on_batch(D["x"], D["labels"], class_weight=weights))}
    logs = model.train_on_batch(D["x"], D["labels"], class_weight=weights, return_dict=True)
    return found | logs | {f"weight/{i}": w for i, w in enumerate(model.get_weights())}


@case
def compile_again(k):
    """A second compile starts the optimizer anew and changes loss and metrics."""
    model = single(k)
    found = {}
    for turn, (optimizer, loss, metrics) in enumerate(
        [("adam", "mse", ["mae"]), ("sgd", "mae", ["mse"]), ("rmsprop", "mse", ["mae", "mse"])]
    ):
        model.compile(optimizer, loss, metrics=metrics)
        history = model.fit(D["x"], D["real"], batch_size=BATCH, shuffle=False, verbose=0)
        found |= {f"{turn}/{key}": value for key, value in history.history.items()}
    return found | {f"weight/{i}": w for i, w in enumerate(model.get_weights())}


@case
def freeze_and_thaw(k):
    """`trainable` changed between compilations, on layers and on a nested model."""
    inner = k.Sequential([k.Input((FEATURES,)), k.layers.Dense(HIDDEN, activation="tanh")])
    x = k.Input((FEATURES,))
    model = set_weights(k.Model(x, k.layers.Dense(2, name="top")(inner(x))))
    found = {}
    for turn, (inner_trains, top_trains) in enumerate([(True, True), (False, True), (True, False)]):
        inner.trainable = inner_trains
        model.get_layer("top").trainable = top_trains
        model.compile(k.optimizers.SGD(0.2), "mse")
        model.fit(D["x"], D["real"], batch_size=BATCH, shuffle=False, verbose=0)
        found |= {f"weight/{turn}/{i}": w for i, w in enumerate(model.get_weights())}
        found[f"counts/{turn}"] = [
            len(model.trainable_weights),
            len(model.non_trainable_weights),
            model.count_params(),
        ]
    return found


@case
def frozen_before_the_first_fit(k):
    model = single(k)
    model.compile(k.optimizers.Adam(0.1), "mse")
    model.layers[1].trainable = False
    model.fit(D["x"], D["real"], batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    return {f"weight/{i}": w for i, w in enumerate(model.get_weights())}


@case
def add_loss(k):
    class Activity(k.layers.Layer):
        def call(self, x):
            self.add_loss(0.1 * k.ops.mean(k.ops.square(x)))
            return x

    x = k.Input((FEATURES,))
    hidden = Activity()(k.layers.Dense(HIDDEN, kernel_regularizer="l2")(x))
    y = k.layers.Dense(2, activity_regularizer=k.regularizers.L1(0.01))(hidden)
    model = set_weights(k.Model(x, y))
    model.compile(k.optimizers.SGD(0.1), "mse", metrics=["mae"])
    history = model.fit(D["x"], D["real"], batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    return outcome(k, model, history, D["x"], D["real"])


@case
def compute_loss_overridden(k):
    class Own(k.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            loss = super().compute_loss(x, y, y_pred, sample_weight, training)
            return loss + 0.1 * k.ops.mean(k.ops.square(y_pred))

    x = k.Input((FEATURES,))
    model = set_weights(Own(x, k.layers.Dense(2)(x)))
    model.compile(k.optimizers.SGD(0.1), "mse", metrics=["mae"])
    history = model.fit(D["x"], D["real"], batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    return outcome(k, model, history, D["x"], D["real"])


@case
def compute_metrics_overridden(k):
    class Own(k.Model):
        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            results = super().compute_metrics(x, y, y_pred, sample_weight)
            results["largest"] = k.ops.max(k.ops.abs(y_pred))
            return results

    x = k.Input((FEATURES,))
    model = set_weights(Own(x, k.layers.Dense(2)(x)))
    model.compile(k.optimizers.SGD(0.1), "mse", metrics=["mae"])
    history = model.fit(D["x"], D["real"], batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    return outcome(k, model, history, D["x"], D["real"])


@case
def train_step_overridden(k):
    """A step of hotloop's trains like Keras's own, which is what is recorded."""
    if k.__name__ == "hotloop":

        class Own(k.Model):
            def train_step(self, data):
                x, y = data
                with k.GradientTape() as tape:
                    y_pred = self(x, training=True)
                    loss = self.compute_loss(x, y, y_pred)
                variables = self.trainable_variables
                self.optimizer.apply(tape.gradient(loss, variables), variables)
                for metric in self.metrics:
                    if metric.name == "loss":
                        metric.update_state(loss, sample_weight=x.shape[0])
                    else:
                        metric.update_state(y, y_pred)
                return {metric.name: metric.result() for metric in self.metrics}

    else:
        Own = k.Model
    x = k.Input((FEATURES,))
    hidden = k.layers.Dense(HIDDEN, activation="tanh")(x)
    model = set_weights(Own(x, k.layers.Dense(2)(hidden)))
    model.compile(k.optimizers.Adam(0.05), "mse", metrics=["mae"])
    history = model.fit(D["x"], D["real"], batch_size=BATCH, epochs=2, shuffle=False, verbose=0)
    return outcome(k, model, history, D["x"], D["real"])


@case
def callbacks_see(k):
    """What the hooks of fit, evaluate and predict are told."""
    seen = []

    class See(k.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append([1, batch, logs["loss"], logs["la_loss"]])

        def on_test_batch_end(self, batch, logs=None):
            seen.append([2, batch, logs["loss"], logs["la_loss"]])

        def on_predict_batch_end(self, batch, logs=None):
            seen.append([3, batch, np.sum(logs["outputs"][0]), np.sum(logs["outputs"][1])])

        def on_epoch_end(self, epoch, logs=None):
            seen.append([4, epoch, logs["loss"], logs["val_loss"]])

    model = double(k)
    model.compile(k.optimizers.SGD(0.1), [SPARSE, "mse"])
    y = [D["labels"], D["real"]]
    model.fit(
        D["x"],
        y,
        batch_size=9,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=[See()],
        validation_data=(D["x"][:7], [part[:7] for part in y]),
    )
    model.evaluate(D["x"], y, batch_size=9, verbose=0, callbacks=[See()], steps=2)
    model.predict(D["x"], batch_size=9, verbose=0, callbacks=[See()])
    return {"seen": np.array(seen)}


@case
def predict_steps(k):
    model = double(k, "dict")
    predicted = model.predict(D["x"], batch_size=5, steps=2, verbose=0)
    return {key: predicted[key] for key in sorted(predicted)}


@case
def clones(k):
    """clone_model and configurations: what they compute with the same weights."""
    found = {}
    for name, model, x in (
        ("double", double(k), [D["x"]]),
        ("nested", nested(k), [D["x"], D["x2"]]),
        ("single", single(k), [D["x"]]),
    ):
        copies = {
            "clone": k.models.clone_model(model),
            "json": k.models.model_from_json(model.to_json()),
            "config": type(model).from_config(model.get_config()),
        }
        for way, copy in copies.items():
            set_weights(copy, 3)
            outputs = copy(x if len(x) > 1 else x[0])
            leaves = outputs if isinstance(outputs, list) else [outputs]
            for i, leaf in enumerate(leaves):
                found[f"{name}/{way}/{i}"] = np.asarray(leaf)
            found[f"{name}/{way}/layers"] = [len(copy.layers), copy.count_params()]
    return found


@case
def masked_subclass(k):
    """`training` and `mask` handed to a subclassed model by hand."""

    class Net(k.Model):
        def __init__(self):
            super().__init__()
            self.dense = k.layers.Dense(2)

        def call(self, x, training=False, mask=None):
            x = self.dense(x)
            if mask is not None:
                x = x * k.ops.expand_dims(k.ops.cast(mask, "float32"), -1)
            return x * 3.0 if training else x

    model = Net()
    mask = D["bit"][:, 0] > 0
    model(D["x"])
    set_weights(model)
    return {
        "plain": np.asarray(model(D["x"])),
        "training": np.asarray(model(D["x"], training=True)),
        "mask": np.asarray(model(D["x"], mask=k.ops.convert_to_tensor(mask))),
        "predict": model.predict(D["x"], verbose=0),
    }
