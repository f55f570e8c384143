import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="drawing needs matplotlib")

from hotloop import plot
from hotloop.callbacks import History


def history():
    result = History()
    result.history = {
        "accuracy": [0.5, 0.75],
        "loss": [1.0, 0.5],
        "val_accuracy": [0.4, 0.5],
        "val_loss": [1.5, 1.25],
    }
    return result


@pytest.fixture
def predicted():
    probabilities = np.full((4, 3), 0.1, np.float32)
    probabilities[[0, 1, 2, 3], [0, 1, 2, 0]] = 0.8
    return np.zeros((4, 5, 6)), np.array([0, 2, 2, 0]), probabilities


def test_curves(tmp_path):
    figure = plot.curves(history())
    loss, accuracy = figure.axes
    assert [axis.get_title() for axis in figure.axes] == ["Model loss", "Model accuracy"]
    lines = {line.get_label(): line for line in loss.get_lines()}
    assert list(lines["train"].get_xdata()) == [1, 2]
    assert list(lines["train"].get_ydata()) == [1.0, 0.5]
    assert list(lines["test"].get_ydata()) == [1.5, 1.25]
    assert [text.get_text() for text in accuracy.get_legend().get_texts()] == ["train", "test"]
    figure.savefig(tmp_path / "curves.png")


def test_curves_of_a_dict_without_validation():
    figure = plot.curves({"loss": [3.0]}, metrics=["loss"])
    assert len(figure.axes) == 1
    assert len(figure.axes[0].get_lines()) == 1


@pytest.mark.parametrize("kwargs", [{"history": {}}, {"history": history(), "metrics": ["mse"]}])
def test_curves_of_nothing(kwargs):
    with pytest.raises(ValueError, match="history"):
        plot.curves(**kwargs)


def test_predictions(tmp_path, predicted):
    figure = plot.predictions(*predicted, class_names=["a", "b", "c"], rows=2, columns=3)
    assert len(figure.axes) == 12
    images, bars = figure.axes[0::2], figure.axes[1::2]
    labels = [axis.xaxis.label for axis in images[:4]]
    assert [label.get_text() for label in labels] == [
        "a 80% (a)",
        "b 80% (c)",
        "c 80% (c)",
        "a 80% (a)",
    ]
    assert [label.get_color() for label in labels] == ["blue", "red", "blue", "blue"]
    grey, red, blue = (0x77 / 255,) * 3, (1, 0, 0), (0, 0, 1)
    assert [bar.get_facecolor()[:3] for bar in bars[0].patches] == [blue, grey, grey]
    assert [bar.get_facecolor()[:3] for bar in bars[1].patches] == [grey, red, blue]
    np.testing.assert_allclose([bar.get_height() for bar in bars[1].patches], [0.1, 0.8, 0.1])
    assert not images[4].axison  # more places than images
    figure.savefig(tmp_path / "predictions.png")


def test_predictions_take_the_first_images(predicted):
    figure = plot.predictions(*predicted, rows=1, columns=1)
    assert figure.axes[0].get_xlabel() == "0 80% (0)"


@pytest.mark.parametrize("wrong", ["rank", "count", "names", "labels"])
def test_predictions_that_do_not_fit(predicted, wrong):
    images, labels, probabilities = predicted
    names = ["a", "b"] if wrong == "names" else None
    if wrong == "rank":
        images = images[0]
    elif wrong == "count":
        labels = labels[:-1]
    elif wrong == "labels":
        labels = labels + 1
    with pytest.raises(ValueError, match="predictions"):
        plot.predictions(images, labels, probabilities, names)


def test_figures_leave_pyplot_alone():
    code = (
        "import sys; from hotloop import plot; assert 'matplotlib' not in sys.modules; "
        "plot.curves({'loss': [1.0]}); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=_environment())


def test_missing_matplotlib_names_the_extra(monkeypatch):
    for name in list(sys.modules):
        if name.startswith("matplotlib"):
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"hotloop\[plot\]"):
        plot.curves({"loss": [1.0]})


def _environment():
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
