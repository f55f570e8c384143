"""Training data other than whole arrays: PyDatasets, generators, DataFrames, sparse matrices.

Order of batches is fixed, so that the runs can be compared.
"""

import math

import numpy as np

SAMPLES, FEATURES, CLASSES = 26, 5, 3


def make_data():
    rng = np.random.RandomState(20240922)
    x = rng.normal(size=(SAMPLES, FEATURES))
    return {
        "x": (x * (rng.uniform(size=x.shape) < 0.6)).astype("float32"),
        "y": rng.randint(0, CLASSES, SAMPLES).astype("int32"),
        "z": rng.normal(size=(SAMPLES, 2)).astype("float32"),
        "weight": rng.uniform(0.25, 2.0, SAMPLES).astype("float32"),
        "w0": rng.normal(scale=0.4, size=(FEATURES, CLASSES)).astype("float32"),
        "b0": rng.normal(scale=0.1, size=CLASSES).astype("float32"),
    }


DATA = make_data()
X, Y, Z, W = (DATA[name] for name in ("x", "y", "z", "weight"))


def make_model(k, **kwargs):
    outputs = k.layers.Dense(CLASSES, activation="softmax")
    model = k.Sequential([k.Input((FEATURES,)), outputs])
    model.set_weights([DATA["w0"], DATA["b0"]])
    model.compile(
        k.optimizers.Adam(0.05),
        "sparse_categorical_crossentropy",
        **{"metrics": ["accuracy"], "weighted_metrics": ["accuracy"]} | kwargs,
    )
    return model


def batches(*arrays, size=8):
    for start in range(0, SAMPLES, size):
        yield tuple(array[start : start + size] for array in arrays)


def endless(*arrays, size=8):
    while True:
        yield from batches(*arrays, size=size)


def py_dataset(k, *arrays, size=8, change=False):
    class Batches(k.utils.PyDataset):
        def __init__(self):
            super().__init__()
            self.size = size
            self.epoch = 0

        def __len__(self):
            return math.ceil(SAMPLES / self.size)

        def __getitem__(self, index):
            start = (index * self.size + self.epoch) % 20 if change else index * self.size
            part = tuple(array[start : start + self.size] for array in arrays)
            return part if len(part) > 1 else part[0]

        def on_epoch_end(self):
            self.epoch += 1

    return Batches()


def outcome(model, history):
    arrays = {f"history/{name}": np.array(values) for name, values in history.history.items()}
    for i, weight in enumerate(model.get_weights()):
        arrays[f"weight/{i}"] = weight
    arrays["predictions"] = model.predict(X, verbose=0)
    return arrays


def fit_case(make, **kwargs):
    """A fit on `make(k)`: `x`, or keyword arguments of fit."""

    def run(k):
        model = make_model(k)
        data = make(k)
        given = data if isinstance(data, dict) else {"x": data}
        arguments = {"epochs": 3, "shuffle": False, "verbose": 0} | kwargs | given
        return outcome(model, model.fit(**arguments))

    return run


def pandas_case(k):
    import pandas as pd

    return {"x": pd.DataFrame(X), "y": pd.Series(Y), "sample_weight": pd.Series(W), "batch_size": 8}


def mixed_frame_case(k):
    import pandas as pd

    columns = {f"c{i}": X[:, i].astype("float64") for i in range(FEATURES - 1)}
    frame = pd.DataFrame({**columns, "flag": (X[:, -1] > 0).astype("int8")})
    return {"x": frame, "y": pd.DataFrame({"class": Y}), "batch_size": 8, "validation_split": 0.3}


def sparse_case(kind):
    def make(k):
        from scipy import sparse

        x = getattr(sparse, kind)(X)
        return {"x": x, "y": Y, "sample_weight": W, "batch_size": 8}

    return make


def evaluate_case(make, **kwargs):
    def run(k):
        model = make_model(k)
        found = model.evaluate(make(k), verbose=0, return_dict=True, **kwargs)
        return {name: np.array(value) for name, value in found.items()}

    return run


def predict_case(make, **kwargs):
    return lambda k: {"predictions": make_model(k).predict(make(k), verbose=0, **kwargs)}


def several_inputs(k):
    """A dictionary of inputs, a list of outputs, weights for one of them, from a PyDataset."""
    inputs = {"a": k.Input((FEATURES,), name="a"), "b": k.Input((2,), name="b")}
    joined = k.layers.Concatenate()([inputs["a"], inputs["b"]])
    first = k.layers.Dense(CLASSES, activation="softmax", name="first", kernel_initializer="ones")
    second = k.layers.Dense(2, name="second", kernel_initializer="ones")
    model = k.Model(inputs, [first(joined), second(joined)])
    model.compile(k.optimizers.SGD(0.05), ["sparse_categorical_crossentropy", "mse"])

    class Batches(k.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            rows = slice(7 * index, 7 * index + 7)
            return {"a": X[rows], "b": Z[rows]}, (Y[rows], Z[rows])

    history = model.fit(Batches(), epochs=2, shuffle=False, verbose=0).history
    arrays = {f"history/{name}": np.array(values) for name, values in history.items()}
    first_out, second_out = model.predict(Batches(), verbose=0)
    return {**arrays, "first": first_out, "second": second_out}


def changing(k):
    """The data set that changes between epochs."""
    model = make_model(k)
    data = py_dataset(k, X, Y, size=6, change=True)
    return outcome(model, model.fit(data, epochs=3, shuffle=False, verbose=0))


def last_logs_of_batches(k):
    """What the hooks are told after every batch of a stream."""
    seen = []

    class Watch(k.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append([batch, logs["loss"], logs["accuracy"]])

        def on_test_batch_end(self, batch, logs=None):
            seen.append([batch, logs["loss"], logs["accuracy"]])

    model = make_model(k)
    model.fit(
        py_dataset(k, X, Y),
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=[Watch()],
        validation_data=py_dataset(k, X, Y, size=13),
    )
    return {"seen": np.array(seen)}


CASES = {
    "py_dataset": fit_case(lambda k: py_dataset(k, X, Y)),
    "py_dataset_weights": fit_case(lambda k: py_dataset(k, X, Y, W)),
    "py_dataset_classes": fit_case(lambda k: py_dataset(k, X, Y), class_weight={0: 2.0, 2: 0.5}),
    "py_dataset_steps": fit_case(lambda k: py_dataset(k, X, Y), steps_per_epoch=2, epochs=4),
    "py_dataset_validation": fit_case(
        lambda k: {"x": py_dataset(k, X, Y), "validation_data": py_dataset(k, X, Y, W, size=5)}
    ),
    "py_dataset_validation_steps": fit_case(
        lambda k: {"x": py_dataset(k, X, Y), "validation_data": py_dataset(k, X, Y, W)},
        validation_steps=2,
        validation_freq=2,
    ),
    "arrays_and_validation_data_set": fit_case(
        lambda k: {"x": X, "y": Y, "batch_size": 8, "validation_data": py_dataset(k, X, Y, size=9)}
    ),
    "data_set_and_validation_arrays": fit_case(
        lambda k: {"x": py_dataset(k, X, Y), "validation_data": (X, Y, W)}
    ),
    "changing": changing,
    "generator": fit_case(lambda k: endless(X, Y), steps_per_epoch=3),
    "generator_weights": fit_case(lambda k: endless(X, Y, W, size=6), steps_per_epoch=7),
    "generator_validation": fit_case(
        lambda k: {
            "x": endless(X, Y),
            "steps_per_epoch": 4,
            "validation_data": endless(X, Y),
            "validation_steps": 4,
            "validation_freq": 3,
        }
    ),
    "pandas": fit_case(pandas_case),
    "pandas_dtypes": fit_case(mixed_frame_case),
    "csr": fit_case(sparse_case("csr_matrix")),
    "coo": fit_case(sparse_case("coo_matrix")),
    "evaluate_data_set": evaluate_case(lambda k: py_dataset(k, X, Y, W)),
    "evaluate_steps": evaluate_case(lambda k: py_dataset(k, X, Y, W), steps=2),
    "evaluate_generator": evaluate_case(lambda k: endless(X, Y), steps=5),
    "predict_data_set": predict_case(lambda k: py_dataset(k, X)),
    "predict_pairs": predict_case(lambda k: py_dataset(k, X, Y)),
    "predict_steps": predict_case(lambda k: endless(X, Y), steps=6),
    "several_inputs": several_inputs,
    "batch_hooks": last_logs_of_batches,
}
