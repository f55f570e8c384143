"""What is measured: models, how they are trained, and the data."""

import itertools
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "DEEP",
    "INFERENCE",
    "NARROW",
    "SQUARE",
    "TABULAR",
    "WIDE",
    "WIDE_ADAM",
    "WORKLOADS",
    "Product",
    "Workload",
    "products_of",
    "write_data",
]

SQUARE = 2048

# A trial: enough to tell settings apart, and no longer. Rivals do up to 32 steps in one call.
_TRIAL_FLOP = 30e9
_TRIAL_STEPS = 32, 128

_ZEROS = 0.81  # of MNIST's pixels
_TEST_ROWS = 10_000


@dataclass(frozen=True)
class Workload:
    """A stack of dense layers (ReLU between them) and how it is trained."""

    units: tuple[int, ...]
    batch_size: int
    optimizer: str
    rows: int = 60_000
    dropout: float = 0.0

    @property
    def task(self) -> str:
        """ "classify" (softmax and crossentropy) or "regress" (linear, mean squared error)."""
        return "regress" if self.units[-1] == 1 else "classify"

    @property
    def name(self) -> str:
        parts = [self.model, f"batch {self.batch_size}", self.optimizer]
        if self.dropout:
            parts.append(f"dropout {self.dropout}")
        return ", ".join(parts)

    @property
    def model(self) -> str:
        return "-".join(map(str, self.units))

    @property
    def products(self) -> list[tuple[int, int]]:
        return list(itertools.pairwise(self.units))

    @property
    def forward_flop(self) -> int:
        """Of one row."""
        return 2 * sum(n * m for n, m in self.products)

    def flop(self, method: str) -> float:
        """Of the products of an epoch or of inference on the test rows; 0 of anything small."""
        if method == "epochs":
            # Each product and its two gradients, but for that of the first layer's input.
            return self.rows * (3 * self.forward_flop - 2 * self.units[0] * self.units[1])
        if method in ("evaluate", "predict"):
            return self.test_rows * self.forward_flop
        return 0.0

    @property
    def steps(self) -> int:
        """Of an epoch; the last one may be short."""
        return -(-self.rows // self.batch_size)

    @property
    def trial_rows(self) -> int:
        """Rows on which contestants try their settings and their speed; whole batches, if many."""
        least, most = _TRIAL_STEPS
        steps = int(_TRIAL_FLOP * self.steps / self.flop("epochs"))
        return min(self.rows, min(max(steps, least), most) * self.batch_size)

    @property
    def test_rows(self) -> int:
        return min(_TEST_ROWS, self.rows)

    def resized(self, rows: int) -> "Workload":
        return Workload(**{**asdict(self), "rows": rows})

    def describe(self) -> dict[str, Any]:
        """What workers are told."""
        return {
            **asdict(self),
            "task": self.task,
            "learning_rate": 0.001,
            "trial_rows": self.trial_rows,
        }


WIDE = Workload((784, 512, 10), 128, "rmsprop")
WIDE_ADAM = Workload((784, 512, 10), 64, "adam")
NARROW = Workload((784, 128, 10), 32, "adam")
DEEP = Workload((784, 1024, 1024, 1024, 10), 256, "adamw", dropout=0.2)
TABULAR = Workload((20, 64, 64, 1), 32, "adam", rows=100_000)
WORKLOADS = (WIDE, WIDE_ADAM, NARROW, DEEP, TABULAR)
INFERENCE = (WIDE, NARROW)  # one of each model that the first documents have


@dataclass(frozen=True)
class Product:
    """C[m, n] = op(A) op(B), where op transposes if `ta` or `tb` says so, over k."""

    name: str
    m: int
    n: int
    k: int
    ta: bool = False
    tb: bool = False

    @property
    def flop(self) -> float:
        return 2.0 * self.m * self.n * self.k


def products_of(workloads: Sequence[Workload]) -> Iterator[Product]:
    """A large square product, and each product of the workloads' training steps."""
    yield Product(f"{SQUARE}³", SQUARE, SQUARE, SQUARE)
    seen = set()
    for workload in workloads:
        batch = workload.batch_size
        for number, (inputs, outputs) in enumerate(workload.products):
            if (batch, inputs, outputs) in seen:
                continue
            seen.add((batch, inputs, outputs))
            size = f"{inputs}×{outputs}, batch {batch}"
            yield Product(f"forward {size}", batch, outputs, inputs)
            yield Product(f"dW {size}", inputs, outputs, batch, ta=True)
            if number:
                yield Product(f"dX {size}", batch, inputs, outputs, tb=True)


def _images(rows: int, test_rows: int) -> tuple[str, dict[str, np.ndarray]]:
    if os.environ.get("HOTLOOP_DATA_DIR"):
        from hotloop.datasets import mnist

        (x, y), (x_test, y_test) = mnist.load_data()
        about = "MNIST"
    else:
        rng = np.random.default_rng(0)
        x = rng.integers(0, 256, (rows + test_rows, 784), dtype="uint8")
        x[rng.random(x.shape, dtype="float32") < _ZEROS] = 0
        y = rng.integers(0, 10, rows + test_rows, dtype="uint8")
        x, x_test, y, y_test = x[:rows], x[rows:], y[:rows], y[rows:]
        about = f"noise with as many zeros as MNIST has ({_ZEROS:.0%})"
    scale = np.float32(255)
    return about, {
        "x_train": x[:rows].reshape(-1, 784) / scale,
        "y_train": y[:rows].astype("int32"),
        "x_test": x_test[:test_rows].reshape(-1, 784) / scale,
        "y_test": y_test[:test_rows].astype("int32"),
    }


def _table(rows: int, test_rows: int, columns: int) -> tuple[str, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows + test_rows, columns), dtype="float32")
    y = np.sin(x @ rng.standard_normal((columns, 1), dtype="float32") / math.sqrt(columns))
    return "a smooth function of normal columns", {
        "x_train": x[:rows],
        "y_train": y[:rows],
        "x_test": x[rows:],
        "y_test": y[rows:],
    }


def write_data(workload: Workload, folder: Path) -> tuple[str, dict[str, str]]:
    """Writes the arrays as `.npy` files; returns what they are, and the file of each.

    Everybody computes with the same arrays: images are float32 in [0, 1], labels int32. With
    HOTLOOP_DATA_DIR the images are MNIST, otherwise noise.
    """
    test_rows = workload.test_rows
    if workload.task == "classify":
        about, arrays = _images(workload.rows, test_rows)
    else:
        about, arrays = _table(workload.rows, test_rows, workload.units[0])
    files = {}
    for name, array in arrays.items():
        files[name] = str(folder / f"{name}.npy")
        np.save(files[name], array)
    return about, files
