"""`hotloop demo`: trains, evaluates and draws, in under a minute."""

import argparse
import os
import statistics
import time
from pathlib import Path
from typing import Any

DATASETS = ("fashion_mnist", "mnist", "synthetic_digits")
_HIDDEN, _CLASSES = 128, 10
_ROWS, _COLUMNS = 5, 3


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "demo",
        help="train a classifier of images, evaluate it, draw its predictions",
        description="Trains a classifier (784-128-10, Adam) on 60,000 images, evaluates it on "
        "10,000 others, and draws the run and some predictions. Without the data and without "
        "internet it trains on digits that hotloop draws itself.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--dataset", choices=DATASETS, default=DATASETS[0], help="what to learn")
    parser.add_argument("--epochs", type=_positive, default=10, help="passes over the data")
    parser.add_argument("--batch-size", type=_positive, default=32, help="images a step")
    parser.add_argument("--seed", type=_seed, default=0, help="makes a run repeatable")
    parser.add_argument("--out", type=Path, default=Path("hotloop-demo.png"), help="the picture")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    _check_out(options.out)

    import numpy as np

    import hotloop as keras
    from hotloop import plot

    name, data, class_names = _load(options.dataset)
    (x_train, y_train), (x_test, y_test) = data
    x_train, x_test = x_train / np.float32(255), x_test / np.float32(255)
    print(f"Training 784-{_HIDDEN}-{_CLASSES} on {name}", flush=True)

    keras.utils.set_random_seed(options.seed)
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(_HIDDEN, activation="relu"),
            keras.layers.Dense(_CLASSES),
        ]
    )
    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    clock = _Clock()
    history = model.fit(
        x_train,
        y_train,
        epochs=options.epochs,
        batch_size=options.batch_size,
        validation_data=(x_test, y_test),
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_begin=clock.on_epoch_begin, on_test_begin=clock.on_test_begin
            )
        ],
    )
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    probability_model = keras.Sequential([model, keras.layers.Softmax()])
    count = _ROWS * _COLUMNS
    probabilities = probability_model.predict(x_test[:count], verbose=0)

    figure = plot.canvas.new_figure(4 * _COLUMNS, 2 * _ROWS + 4)
    figure.suptitle(f"{name}: test accuracy {accuracy:.4f} after {options.epochs} epochs")
    top, bottom = figure.subfigures(2, 1, height_ratios=[4, 2 * _ROWS])  # type: ignore[misc]
    plot.curves(history, metrics=["loss", "accuracy"], figure=top)
    plot.predictions(
        x_test[:count], y_test[:count], probabilities, class_names, _ROWS, _COLUMNS, figure=bottom
    )
    figure.savefig(options.out)

    print(f"Test accuracy: {accuracy:.4f}")
    print(_speed(clock, len(x_train)))
    print(f"Picture: {options.out}")
    return 0


def _positive(text: str) -> int:
    value = int(text) if text.lstrip("+-").isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, not {text!r}")
    return value


def _seed(text: str) -> int:
    value = int(text) if text.lstrip("+-").isdecimal() else -1
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number in [0, 2**32), not {text!r}")
    return value


def _check_out(out: Path) -> None:
    """Whatever would keep the picture from being written is found before the training."""
    from hotloop.plot.canvas import file_types

    types = file_types()
    if out.suffix[1:].lower() not in types:
        raise ValueError(f"--out {out}: expected a name that ends in one of {', '.join(types)}")
    if out.is_dir():
        raise IsADirectoryError(f"--out {out} is a folder; expected a file name")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"--out {out}: there is no folder {out.parent}")
    try:
        existed = out.exists()
        with open(out, "ab"):
            pass
        if not existed:
            os.unlink(out)
    except OSError as error:
        raise OSError(f"--out {out} cannot be written: {error.strerror}") from None


def _load(dataset: str) -> tuple[str, Any, tuple[str, ...]]:
    """Title, arrays and class names of a set, or of the one that needs no file."""
    from hotloop.datasets import DatasetNotFoundError, fashion_mnist, mnist, synthetic_digits

    module: Any
    if dataset == "fashion_mnist":
        title, module = "Fashion-MNIST", fashion_mnist
    elif dataset == "mnist":
        title, module = "MNIST", mnist
    else:
        title, module = "synthetic digits", synthetic_digits
    try:
        return title, module.load_data(), module.class_names
    except DatasetNotFoundError as error:
        print(f"{error.reason}; using hotloop's own synthetic digits instead.", flush=True)
        return "synthetic digits", synthetic_digits.load_data(), synthetic_digits.class_names


class _Clock:
    """Times the training part of every epoch, without validation."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._start = time.perf_counter()

    def on_test_begin(self, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self._start)


def _speed(clock: _Clock, samples: int) -> str:
    """The pace of the median epoch, and what share of the possible arithmetic that is."""
    from hotloop.graph.machine import fma_peak, get_num_threads, isa

    threads = get_num_threads()
    rate = 1 / statistics.median(clock.seconds)
    # Two products of the first layer (its input has no gradient), three of the second; an addition
    # and a multiplication for each element.
    flops = samples * 2 * (2 * 28 * 28 * _HIDDEN + 3 * _HIDDEN * _CLASSES)
    achieved, peak = flops * rate / 1e9, fma_peak(threads)
    return (
        f"Speed: {rate:.2f} epochs/s, {achieved:.0f} GFLOP/s, {achieved / peak:.0%} of this "
        f"machine's peak ({peak:.0f} GFLOP/s: {isa()}, {threads} thread{'s' * (threads != 1)})"
    )
