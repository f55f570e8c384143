"""Configurations that Keras wrote: hotloop reads them, and writes the same."""

import json
from pathlib import Path

import numpy as np
import pytest

import hotloop

import cases_training  # isort: skip
import model_configs  # isort: skip

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("models.json").read_text())
# What Keras resolves and hotloop keeps as it was given; what Keras writes down without being told.
AS_GIVEN = {"jit_compile", "mask"}


def plain(config):
    return json.loads(json.dumps(config))


def without(config, keys):
    if isinstance(config, dict):
        return {key: without(value, keys) for key, value in config.items() if key not in keys}
    return [without(part, keys) for part in config] if isinstance(config, list) else config


def predictions(model):
    cases_training.set_weights(model)
    rng = np.random.RandomState(1)
    x = [rng.normal(size=(3, *tensor.shape[1:])).astype("float32") for tensor in model.inputs]
    if isinstance(model.input, dict):
        x = dict(zip(sorted(model.input), x, strict=True))
    return hotloop.tree.flatten(model.predict(x if len(x) > 1 else x[0], verbose=0))


@pytest.mark.parametrize("name", model_configs.MODELS)
def test_what_keras_wrote(name):
    make, functions = model_configs.MODELS[name]
    text = json.dumps(GOLDEN[name])
    model = hotloop.models.model_from_json(text)
    hotloop.utils.clear_session()  # automatic names begin anew, as when it was recorded
    own = make(hotloop)
    assert [layer.name for layer in model.layers if "dense" not in layer.name] == [
        layer.name for layer in own.layers if "dense" not in layer.name
    ] or functions
    for found, expected in zip(predictions(model), predictions(own), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert model.compiled == name.startswith("compiled")
    if not functions:
        written = without(plain(hotloop.saving.serialize_keras_object(model)), AS_GIVEN)
        assert written == without(GOLDEN[name], AS_GIVEN)
        written = without(plain(hotloop.saving.serialize_keras_object(own)), AS_GIVEN)
        assert written == without(GOLDEN[name], AS_GIVEN)


def test_every_recorded_model_is_read():
    assert set(GOLDEN) == set(model_configs.MODELS)
