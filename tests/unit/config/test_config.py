import io
import logging
import sys

import numpy as np
import pytest

import hotloop as k
from hotloop import _settings, config, ops


@pytest.fixture(autouse=True)
def restored():
    before = dict(_settings._values)
    yield
    _settings._values.clear()
    _settings._values.update(before)


def model():
    m = k.Sequential([k.Input((3,)), k.layers.Dense(1)])
    m.compile("sgd", "mse")
    return m


X, Y = np.ones((20, 3), np.float32), np.ones((20, 1), np.float32)


def test_epsilon_is_what_everything_uses():
    assert config.epsilon() == k.backend.epsilon() == 1e-7
    assert ops.binary_crossentropy([1.0], [0.0]).item() == pytest.approx(-np.log(1e-7), rel=1e-5)
    config.set_epsilon(1e-3)
    assert config.epsilon() == 1e-3
    assert ops.binary_crossentropy([1.0], [0.0]).item() == pytest.approx(-np.log(1e-3), rel=1e-5)
    zero = np.zeros((2, 2), np.float32)
    assert ops.rms_normalization(zero + 1e-3).numpy()[0, 0] == pytest.approx(1e-3 / 1e-3**0.5, 1e-2)
    norm = k.constraints.UnitNorm()(np.array([[1e-3]], np.float32)).item()
    assert norm == pytest.approx(0.5)
    loss = k.losses.Poisson()(np.ones((1, 1)), np.zeros((1, 1)))
    assert float(loss) == pytest.approx(-np.log(1e-3), rel=1e-5)
    config.set_epsilon(0.25)
    scaled = k.layers.Normalization(mean=0.0, variance=0.0)
    assert scaled(np.ones((1, 1), np.float32)).item() == 4.0
    layer = k.layers.BatchNormalization(momentum=0.0)
    layer(np.ones((3, 1), np.float32), training=True, mask=np.array([True, False, False]))
    assert layer.moving_mean.numpy().item() == pytest.approx(1 / 1.25)


@pytest.mark.parametrize("value", ["1e-7", -1e-7, 0.5, True, None, float("nan")])
def test_bad_epsilon(value):
    with pytest.raises(ValueError, match="epsilon must be"):
        config.set_epsilon(value)
    assert config.epsilon() == 1e-7


def test_floatx():
    assert config.floatx() == "float32"
    config.set_floatx("float32")
    for name in ("float16", "float64", "bfloat16"):
        with pytest.raises(NotImplementedError, match="float32 only"):
            config.set_floatx(name)
    with pytest.raises(ValueError, match="Unknown floatx"):
        config.set_floatx("half")


def test_backend():
    assert config.backend() == "hotloop"
    config.set_backend("hotloop")
    with pytest.raises(ValueError, match="no other backend"):
        config.set_backend("jax")


def test_image_data_format_is_the_default_of_layers():
    assert config.image_data_format() == "channels_last"
    assert k.layers.Flatten().data_format == "channels_last"
    config.set_image_data_format("channels_first")
    assert k.layers.Flatten().data_format == "channels_first"
    assert k.layers.GlobalAveragePooling1D().data_format == "channels_first"
    assert k.layers.Flatten(data_format="channels_last").data_format == "channels_last"
    with pytest.raises(ValueError, match="data_format"):
        config.set_image_data_format("last")


def test_dtype_policy():
    assert config.dtype_policy() == k.DTypePolicy("float32")
    config.set_dtype_policy("float32")
    config.set_dtype_policy(k.DTypePolicy())
    for name in ("mixed_float16", "mixed_bfloat16", "float64"):
        with pytest.raises(NotImplementedError, match=name):
            config.set_dtype_policy(name)
        with pytest.raises(NotImplementedError, match=name):
            k.mixed_precision.set_global_policy(name)
    with pytest.raises(ValueError, match="float3"):
        config.set_dtype_policy("float3")


def test_limited_epochs():
    config.set_max_epochs(2)
    assert config.max_epochs() == 2
    with pytest.warns(UserWarning, match="Limiting epochs to 2"):
        history = model().fit(X, Y, epochs=5, verbose=0)
    assert history.epoch == [0, 1]
    history = model().fit(X, Y, epochs=1, verbose=0)
    assert history.epoch == [0]


def test_limited_steps():
    config.set_max_steps_per_epoch(2)
    m = model()
    seen = []
    count = k.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    with pytest.warns(UserWarning, match="Limiting steps to 2"):
        m.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[count])
    assert seen == [0, 1, 0, 1]
    with pytest.warns(UserWarning, match="Limiting steps to 2"):
        assert m.predict(X, batch_size=4, verbose=0).shape == (8, 1)
    with pytest.warns(UserWarning, match="Limiting steps to 2"):
        m.evaluate(X, Y, batch_size=4, steps=3, verbose=0)
    assert m.predict(X, batch_size=10, verbose=0).shape == (20, 1)
    config.set_max_steps_per_epoch(None)
    assert m.predict(X, batch_size=4, verbose=0).shape == (20, 1)


@pytest.mark.parametrize("setter", [config.set_max_epochs, config.set_max_steps_per_epoch])
def test_bad_limits(setter):
    with pytest.raises(ValueError, match="at least 1"):
        setter(0)
    with pytest.raises(TypeError, match="integer"):
        setter(1.5)


def test_logging_instead_of_standard_output(monkeypatch, caplog):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    caplog.set_level(logging.INFO, "hotloop")
    k.utils.disable_interactive_logging()
    assert not config.is_interactive_logging_enabled()
    m = model()
    m.fit(X, Y, epochs=2)
    m.summary()
    assert out.getvalue() == ""
    assert "Epoch 1/2" in caplog.text
    assert "Total params" in caplog.text
    k.utils.enable_interactive_logging()
    m.fit(X, Y, epochs=1, verbose=2)
    assert "loss" in out.getvalue()


def test_what_cannot_be_turned_on():
    assert not config.is_traceback_filtering_enabled()
    assert not config.is_flash_attention_enabled()
    assert not config.is_nnx_enabled()
    config.disable_traceback_filtering()
    config.disable_flash_attention()
    with pytest.raises(NotImplementedError, match="tracebacks"):
        config.enable_traceback_filtering()
    with pytest.raises(NotImplementedError, match="attention"):
        config.enable_flash_attention()
