"""The programs in examples/ run, on the embedded digits and on the real sets where they are."""

import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("matplotlib", reason="the examples draw")

EXAMPLES = {
    "custom_training": ("synthetic_digits", None),
    "fashion_mnist_predictions": ("fashion_mnist", "fashion-mnist-predictions.png"),
    "first_model": ("fashion_mnist", "first-model-data.png"),
    "mnist_digits": ("mnist", None),
    "loss_curves": ("mnist", "loss-curves.png"),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(repo, tmp_path, cache):
    """Runs an example in an empty folder and returns what it prints."""

    def run(name, **variables):
        environment = {
            **os.environ,
            "HOTLOOP_CACHE_DIR": str(cache),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONWARNINGS": "error",
            "PYTHONIOENCODING": "utf-8",
            **variables,
        }
        result = subprocess.run(
            [sys.executable, str(repo / "examples" / f"{name}.py")],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            encoding="utf-8",
        )
        assert result.returncode == 0, result.stdout + result.stderr
        picture = EXAMPLES[name][1]
        if picture:
            assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
        return result.stdout

    return run


def number_after(text, output):
    return float(re.findall(rf"{text}:? (?:\S+ )*?([\d.]+(?:e-\d+)?)(?=[\s,]|$)", output)[-1])


def test_every_example_is_run_here(repo):
    assert {path.stem for path in (repo / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_on_the_embedded_digits(run, name):
    output = run(name, DATASET="synthetic_digits", EPOCHS="2")
    assert number_after("Test accuracy", output) > 0.93


@pytest.mark.slow
def test_fashion_mnist(run, data_dir):
    output = run("fashion_mnist_predictions")
    assert number_after("Test accuracy", output) >= 0.87
    assert "First image: Ankle boot\nIts label: Ankle boot" in output
    assert "Second image: Pullover (1, 10)" in output
    assert "1875/1875 ━━━━━━━━━━━━━━━━━━━━" in output


@pytest.mark.slow
def test_first_model(run, data_dir):
    output = run("first_model")
    assert "Training images: (60000, 28, 28) uint8" in output
    assert "101,770" in output  # parameters
    assert number_after("Test accuracy", output) >= 0.87


@pytest.mark.slow
def test_mnist(run, data_dir):
    output = run("mnist_digits")
    assert number_after("Test accuracy", output) >= 0.975
    digit, probability = re.search(r"First digit: (\d) with probability ([\d.]+)", output).groups()
    assert digit == "7"
    assert float(probability) > 0.99


@pytest.mark.slow
def test_loss_curves(run, data_dir):
    output = run("loss_curves")
    assert "History: accuracy, loss, val_accuracy, val_loss" in output
    assert number_after("Training loss", output) < 0.02
    assert number_after("Test accuracy", output) >= 0.975
