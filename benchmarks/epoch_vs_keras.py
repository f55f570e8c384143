"""Seconds per epoch of hotloop and of Keras on TensorFlow, side by side on this machine.

    python benchmarks/epoch_vs_keras.py --rival /path/to/python-with-tensorflow

Both run the same lines on the same arrays, each in a process of its own, in rounds that alternate
between them, so that what the machine does meanwhile hits both. Of every process the first epoch is
left out (both build their programs in it). A round's time is the median of its epochs, a result the
median of its rounds. With --gate the exit code says whether every ratio meets its gate.

Without HOTLOOP_DATA_DIR the images are noise with as many zeros as MNIST has.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

SHAPES = {
    # name: (hidden units, batch size, optimizer, how many times as fast hotloop has to be)
    "784-128-10 batch 32 adam": (128, 32, "adam", 8.0),
    "784-512-10 batch 128 rmsprop": (512, 128, "rmsprop", 3.0),
}
SAMPLES = 60_000


def training_data():
    folder = os.environ.get("HOTLOOP_DATA_DIR")
    if folder:
        with np.load(Path(folder) / "mnist.npz", allow_pickle=False) as file:
            x, y = file["x_train"], file["y_train"]
    else:
        rng = np.random.default_rng(0)
        x = rng.integers(0, 256, (SAMPLES, 28, 28), dtype="uint8")
        x[rng.random(x.shape) < 0.81] = 0
        y = rng.integers(0, 10, SAMPLES, dtype="uint8")
    return x.reshape(SAMPLES, 784).astype("float32") / 255, y


def work(library, name, epochs):
    """One process: trains, and prints the seconds of each epoch but the first as JSON."""
    if library == "keras":
        os.environ["KERAS_BACKEND"] = "tensorflow"
        import keras as k
        import tensorflow

        about = f"Keras {k.__version__} on TensorFlow {tensorflow.__version__}"
    else:
        import hotloop as k

        about = f"hotloop {k.__version__}"
    hidden, batch_size, optimizer, _ = SHAPES[name]
    x, y = training_data()
    model = k.Sequential(
        [
            k.Input((784,)),
            k.layers.Dense(hidden, activation="relu"),
            k.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])

    ends = []

    class Clock(k.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            ends.append(time.perf_counter())

    fitted = model.fit(x, y, batch_size, epochs + 1, verbose=0, callbacks=[Clock()])
    seconds = np.diff(ends).tolist()
    print(json.dumps({"about": about, "seconds": seconds, "loss": fitted.history["loss"][-1]}))


def run_worker(python, library, name, epochs):
    command = [python, __file__, "--worker", library, "--shape", name, "--epochs", str(epochs)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{library} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def machine():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {len(os.sched_getaffinity(0))} CPUs, Python {platform.python_version()}"


def commit():
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def compare(name, rival, rounds, epochs):
    """Prints the rounds of one shape; returns how many times as fast hotloop was."""
    times = {"hotloop": [], "keras": []}
    for number in range(rounds):
        for library, python in (("hotloop", sys.executable), ("keras", rival)):
            report = run_worker(python, library, name, epochs)
            times[library].append(statistics.median(report["seconds"]))
            if number == 0:
                print(f"  {report['about']}: loss {report['loss']:.4f} after {epochs + 1} epochs")
    hidden, _, _, gate = SHAPES[name]
    flop = 6 * SAMPLES * (784 * hidden + hidden * 10)
    medians = {library: statistics.median(seconds) for library, seconds in times.items()}
    for library, seconds in times.items():
        spread = " ".join(f"{value:.3f}" for value in seconds)
        rate = flop / medians[library] / 1e9
        print(
            f"  {library:8} {medians[library]:.3f} s/epoch  {rate:6.1f} GFLOP/s  rounds: {spread}"
        )
    ratio = medians["keras"] / medians["hotloop"]
    print(f"  {ratio:.1f} times as fast (gate: {gate:.0f})")
    return ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rival", help="the Python that has Keras and TensorFlow")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3, help="timed epochs of each process")
    parser.add_argument("--gate", action="store_true", help="exit with 1 when a ratio is too low")
    parser.add_argument("--worker", choices=["hotloop", "keras"], help=argparse.SUPPRESS)
    parser.add_argument("--shape", choices=SHAPES, help="only this one")
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker, arguments.shape, arguments.epochs)
        return 0
    if not arguments.rival:
        parser.error("--rival is needed: the path of a Python with Keras and TensorFlow")

    import hotloop

    print(f"{machine()}; commit {commit()}")
    hotloop.show_config()
    missed = []
    for name in [arguments.shape] if arguments.shape else SHAPES:
        print(name)
        if compare(name, arguments.rival, arguments.rounds, arguments.epochs) < SHAPES[name][3]:
            missed.append(name)
    if missed and arguments.gate:
        print("missed its gate:", *missed, sep="\n  ")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
