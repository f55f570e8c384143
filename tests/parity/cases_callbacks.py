"""What callbacks do to a training: its histories, learning rates, ends and files.

`k` is `keras` or `hotloop`. Data and weights come from NumPy; nothing is shuffled.
"""

import csv
import math
import os
import tempfile
import warnings

import numpy as np

RNG = np.random.default_rng(20250711)
X = RNG.normal(size=(48, 5)).astype("float32")
LABELS = (X @ RNG.normal(size=(5, 3))).argmax(axis=1).astype("int32")
FLIPPED = np.where(RNG.uniform(size=48) < 0.6, RNG.integers(0, 3, size=48), LABELS).astype("int32")
W0 = RNG.normal(scale=0.5, size=(5, 6)).astype("float32")
W1 = RNG.normal(scale=0.5, size=(6, 3)).astype("float32")


def make(k, rate=0.3, optimizer=None, **options):
    model = k.Sequential(
        [
            k.Input((5,)),
            k.layers.Dense(6, activation="tanh"),
            k.layers.Dense(3, activation="softmax"),
        ]
    )
    model.set_weights([W0, np.zeros(6, "float32"), W1, np.zeros(3, "float32")])
    model.compile(
        optimizer or k.optimizers.SGD(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **options,
    )
    return model


def run(k, callbacks, epochs=12, rate=0.3, validate=True, model=None, **arguments):
    """A training that learns its flipped labels by heart, so that validation grows worse."""
    model = model or make(k, rate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(
            X[:32],
            FLIPPED[:32],
            batch_size=8,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=callbacks,
            validation_data=(X[32:], LABELS[32:]) if validate else None,
            **arguments,
        )
    return outcome(model, history)


def outcome(model, history):
    result = {f"history/{key}": np.array(v) for key, v in history.history.items()}
    result["epochs"] = np.array(history.epoch)
    for i, weight in enumerate(model.get_weights()):
        result[f"weight/{i}"] = weight
    return result


def early_stopping(**options):
    def case(k):
        callback = k.callbacks.EarlyStopping(**options)
        found = run(k, [callback], epochs=30)
        best = math.nan if callback.best is None else float(callback.best)
        found["state"] = np.array(
            [callback.wait, callback.stopped_epoch, callback.best_epoch, best], "float32"
        )
        return found

    return case


def reduce_lr(rate=0.3, **options):
    def case(k):
        callback = k.callbacks.ReduceLROnPlateau(**options)
        found = run(k, [callback], epochs=20, rate=rate)
        found["state"] = np.array([callback.wait, callback.cooldown_counter])
        return found

    return case


def schedule(function):
    return lambda k: run(k, [k.callbacks.LearningRateScheduler(function)], epochs=6)


def csv_of(path):
    with open(path, newline="") as file:
        text = file.read()
    rows = list(csv.reader(text.splitlines()))
    numbers = [[math.nan if cell == "NA" else float(cell) for cell in row] for row in rows[1:]]
    header = np.frombuffer(",".join(rows[0]).encode(), np.uint8)
    return {"header": header, "rows": np.array(numbers), "ends": np.array(text.count("\r\n"))}


def csv_logger(fits=1, append=False, **arguments):
    def case(k):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log.csv")
            model = make(k)
            for _ in range(fits):
                logger = k.callbacks.CSVLogger(path, append=append)
                run(k, [logger], epochs=3, model=model, **arguments)
            return csv_of(path)

    return case


def csv_separator(k):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.csv")
        run(k, [k.callbacks.CSVLogger(path, separator=";")], epochs=2)
        with open(path, newline="") as file:
            first = file.readline()
    return {"header": np.frombuffer(first.encode(), np.uint8)}


def checkpoint(name="{epoch:02d}", epochs=8, **options):
    """The names of the files that are there after each epoch, and the weights in the last one."""

    def case(k):
        suffix = ".weights.h5" if k.__name__ == "keras" else ".safetensors"
        seen = []
        with tempfile.TemporaryDirectory() as folder:
            home = os.path.join(folder, "deep")
            pattern = os.path.join(home, name + suffix)
            saver = k.callbacks.ModelCheckpoint(pattern, save_weights_only=True, **options)

            def look(epoch, logs):
                files = os.listdir(home) if os.path.isdir(home) else []
                seen.append(",".join(sorted(file.removesuffix(suffix) for file in files)))

            watcher = k.callbacks.LambdaCallback(on_epoch_end=look)
            run(k, [saver, watcher], epochs=epochs)
            model = make(k)
            if os.path.isdir(home):
                model.load_weights(os.path.join(home, max(os.listdir(home))))
            weights = model.get_weights()
        found = {"names": np.frombuffer(";".join(seen).encode(), np.uint8)}
        found.update({f"weight/{i}": weight for i, weight in enumerate(weights)})
        best = math.nan if saver.best is None else float(saver.best)
        found["best"] = np.array(best)
        return found

    return case


def terminate(k):
    with np.errstate(all="ignore"):
        found = run(k, [k.callbacks.TerminateOnNaN()], model=make(k, 1e38), validate=False)
    return {"epochs": found["epochs"], "length": np.array(len(found["history/loss"]))}


def evaluate_and_predict_hooks(k):
    calls = []

    class Watch(k.callbacks.Callback):
        def on_test_begin(self, logs=None):
            calls.append(1)

        def on_test_batch_begin(self, batch, logs=None):
            calls.append(10 + batch)

        def on_test_batch_end(self, batch, logs=None):
            calls.append(20 + batch + float(logs["loss"]) / 10)

        def on_test_end(self, logs=None):
            calls.append(2)

        def on_predict_begin(self, logs=None):
            calls.append(3)

        def on_predict_batch_begin(self, batch, logs=None):
            calls.append(30 + batch)

        def on_predict_batch_end(self, batch, logs=None):
            calls.append(40 + batch + float(np.sum(logs["outputs"])) / 1000)

        def on_predict_end(self, logs=None):
            calls.append(4)

    model = make(k)
    model.evaluate(X, LABELS, batch_size=20, verbose=0, callbacks=[Watch()])
    model.predict(X, batch_size=20, verbose=0, callbacks=[Watch()])
    return {"calls": np.array(calls, "float32")}


def several_fits(k):
    """Early stopping and its patience begin anew with every fit."""
    model, callback = make(k), k.callbacks.EarlyStopping("val_loss", patience=2)
    first = run(k, [callback], epochs=20, model=model)
    second = run(k, [callback], epochs=20, model=model)
    return {"first": first["epochs"], **second}


def together(k):
    callbacks = [
        k.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=2, min_delta=0.0),
        k.callbacks.EarlyStopping("val_loss", patience=6, restore_best_weights=True),
    ]
    return run(k, callbacks, epochs=30)


CASES = {
    "early_default": early_stopping(),
    "early_patience": early_stopping(patience=3),
    "early_loss": early_stopping(monitor="loss", patience=1),
    "early_accuracy": early_stopping(monitor="val_accuracy", patience=3),
    "early_accuracy_train": early_stopping(monitor="accuracy", patience=2, min_delta=0.05),
    "early_min_delta": early_stopping(patience=1, min_delta=0.05),
    "early_negative_delta": early_stopping(patience=1, min_delta=-0.05),
    "early_max_loss": early_stopping(patience=3, mode="max"),
    "early_min_accuracy": early_stopping(monitor="val_accuracy", patience=2, mode="min"),
    "early_baseline": early_stopping(patience=4, baseline=0.1),
    "early_easy_baseline": early_stopping(patience=2, baseline=5.0),
    "early_restore": early_stopping(patience=4, restore_best_weights=True),
    "early_restore_baseline": early_stopping(patience=3, baseline=0.1, restore_best_weights=True),
    "early_restore_not_stopped": early_stopping(patience=99, restore_best_weights=True),
    "early_start_from": early_stopping(patience=1, start_from_epoch=7),
    "early_start_restore": early_stopping(
        patience=2, start_from_epoch=5, restore_best_weights=True
    ),
    "early_missing": early_stopping(monitor="nothing", mode="min"),
    "early_twice": several_fits,
    "plateau_default": reduce_lr(),
    "plateau_patience": reduce_lr(patience=2),
    "plateau_factor": reduce_lr(patience=1, factor=0.5),
    "plateau_cooldown": reduce_lr(patience=1, factor=0.5, cooldown=2),
    "plateau_min_lr": reduce_lr(patience=1, factor=0.3, min_lr=0.05),
    "plateau_min_delta": reduce_lr(patience=2, min_delta=0.1),
    "plateau_max": reduce_lr(monitor="val_accuracy", patience=2, factor=0.2),
    "plateau_loss": reduce_lr(monitor="loss", patience=1, factor=0.5, rate=3.0),
    "plateau_missing": reduce_lr(monitor="nothing", mode="min"),
    "schedule_epoch": schedule(lambda epoch: 0.3 / (epoch + 1)),
    "schedule_rate": schedule(lambda epoch, rate: rate * math.exp(-0.1 * epoch)),
    "schedule_numpy": schedule(lambda epoch, rate: np.float32(rate) * np.float32(0.5)),
    "together": together,
    "csv": csv_logger(),
    "csv_without_validation": csv_logger(validate=False),
    "csv_validation_freq": csv_logger(validation_freq=2),
    "csv_replaced": csv_logger(fits=2),
    "csv_appended": csv_logger(fits=2, append=True),
    "csv_separator": csv_separator,
    "checkpoint_epochs": checkpoint(epochs=3),
    "checkpoint_one_name": checkpoint("last", epochs=3),
    "checkpoint_metrics": checkpoint("{epoch:03d}-{val_loss:.2f}-{accuracy:.2f}", epochs=3),
    "checkpoint_best": checkpoint(save_best_only=True),
    "checkpoint_best_accuracy": checkpoint(save_best_only=True, monitor="val_accuracy"),
    "checkpoint_best_max": checkpoint(save_best_only=True, mode="max"),
    "checkpoint_threshold": checkpoint(save_best_only=True, initial_value_threshold=1.2),
    "checkpoint_unreached": checkpoint(save_best_only=True, initial_value_threshold=0.01),
    "checkpoint_batches": checkpoint("{epoch}-{batch}", epochs=4, save_freq=3),
    "checkpoint_every_batch": checkpoint("{epoch}-{batch}-{loss:.2f}", epochs=2, save_freq=1),
    "checkpoint_rare": checkpoint("{epoch}-{batch}", epochs=4, save_freq=7),
    "terminate": terminate,
    "evaluate_and_predict_hooks": evaluate_and_predict_hooks,
}
