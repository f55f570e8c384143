import functools
import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hotloop
from hotloop import layers, ops
from hotloop.storage.tensors import read_tensors, write_tensors
from hotloop.storage.weights import weight_names

X = np.random.default_rng(0).normal(size=(16, 6)).astype("float32")
Y = X[:, :2]


def sequential(units=5, seed=0, optimizer="adam"):
    hotloop.utils.set_random_seed(seed)
    model = hotloop.Sequential(
        [
            hotloop.Input((6,)),
            layers.Dense(units, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(2),
        ]
    )
    if optimizer:
        model.compile(optimizer, "mse")
    return model


def equal(model, other):
    return all(
        np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True)
    )


class Block(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = [layers.Dense(3), layers.Dense(4)]

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        self.count = self.add_weight(shape=(2,), dtype="int32", trainable=False)
        self.flag = self.add_weight(
            shape=(3,), dtype="bool", initializer="zeros", trainable=False, name="flag"
        )
        self.inner[0].build(input_shape)
        self.inner[1].build((*input_shape[:-1], 3))

    def call(self, x):
        return self.inner[1](self.inner[0](x)) * self.scale


def nested(seed=0):
    hotloop.utils.set_random_seed(seed)
    x = hotloop.Input((6,))
    shared = layers.Dense(6)
    y = shared(shared(x))
    y = hotloop.Sequential([hotloop.Input((6,)), layers.Dense(6)])(y)
    return hotloop.Model(x, Block()(y))


def test_names_do_not_depend_on_what_was_made_before():
    names = [
        "model/dense/kernel",
        "model/dense/bias",
        "model/dense_1/kernel",
        "model/dense_1/bias",
    ]
    assert list(weight_names(sequential())) == names
    assert list(weight_names(sequential())) == names
    expected = [
        "model/dense/kernel",
        "model/dense/bias",
        "model/sequential/dense/kernel",
        "model/sequential/dense/bias",
        "model/block/scale",
        "model/block/variable",
        "model/block/flag",
        "model/block/dense/kernel",
        "model/block/dense/bias",
        "model/block/dense_1/kernel",
        "model/block/dense_1/bias",
    ]
    for _ in range(2):
        model = nested()
        assert list(weight_names(model)) == expected
        assert len(expected) == len(model.weights)


def test_layers_without_weights_do_not_count():
    plain = hotloop.Sequential([hotloop.Input((6,)), layers.Dense(5), layers.Dense(2)])
    assert list(weight_names(plain)) == list(weight_names(sequential()))


@pytest.mark.parametrize("make", [sequential, nested])
def test_round_trip(tmp_path, make):
    model, other = make(), make(seed=1)
    model.weights[-1].assign(np.full(model.weights[-1].shape, 7.0, "float32"))
    assert not equal(model, other)
    path = tmp_path / "w.weights.safetensors"
    model.save_weights(path)
    other.load_weights(path)
    assert equal(model, other)
    assert os.listdir(tmp_path) == [path.name]


def test_bool_and_int_weights(tmp_path):
    model, other = nested(), nested(1)
    block = model.layers[-1]
    block.count.assign([3, -5])
    block.flag.assign([True, False, True])
    model.save_weights(tmp_path / "w.safetensors")
    other.load_weights(tmp_path / "w.safetensors")
    assert other.layers[-1].count.numpy().tolist() == [3, -5]
    assert other.layers[-1].flag.numpy().tolist() == [True, False, True]


def test_the_file_is_plain_safetensors(tmp_path):
    from safetensors.numpy import load_file, safe_open

    model = sequential()
    model.fit(X, Y, verbose=0)
    path = tmp_path / "w.safetensors"
    model.save_weights(str(path))
    found = load_file(path)
    np.testing.assert_array_equal(found["model/dense/kernel"], model.layers[0].kernel.numpy())
    assert [name for name in sorted(found) if name.startswith("optimizer")] == [
        f"optimizer/{i}" for i in range(10)
    ]
    with safe_open(path, "numpy") as file:
        assert file.metadata() == {
            "format": "hotloop.weights",
            "format_version": "1",
            "hotloop_version": hotloop.__version__,
            "optimizer": "Adam",
        }


def test_another_process_reads_the_same_bits(tmp_path):
    model = sequential()
    path = tmp_path / "w.safetensors"
    model.save_weights(path)
    code = f"""
import numpy as np, hotloop
hotloop.layers.Dense(3)
model = hotloop.Sequential([hotloop.Input((6,)), hotloop.layers.Dense(5), hotloop.layers.Dense(2)])
model.load_weights({str(path)!r})
print(b"".join(w.tobytes() for w in model.get_weights()).hex())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == b"".join(w.tobytes() for w in model.get_weights()).hex()


def test_training_goes_on_from_a_file(tmp_path):
    arguments = {"batch_size": 8, "shuffle": False, "verbose": 0}
    whole = sequential()
    whole.fit(X, Y, epochs=2, **arguments)
    whole.save_weights(tmp_path / "w.safetensors")
    other = sequential(seed=1)
    other.load_weights(tmp_path / "w.safetensors")
    assert other.optimizer.iterations.numpy() == 4
    # A dropout's place in its random numbers is no weight.
    other.layers[1].seed_generator.state.assign(whole.layers[1].seed_generator.state.numpy())
    whole.fit(X, Y, epochs=3, initial_epoch=2, **arguments)
    other.fit(X, Y, epochs=3, initial_epoch=2, **arguments)
    assert equal(whole, other)


def test_another_optimizer_keeps_its_state(tmp_path):
    model, other = sequential(), sequential(seed=1, optimizer="sgd")
    model.fit(X, Y, verbose=0)
    path = tmp_path / "w.safetensors"
    model.save_weights(path)
    with pytest.warns(UserWarning, match="file holds that of Adam.*compiled with SGD"):
        other.load_weights(path)
    assert equal(model, other)
    assert other.optimizer.iterations.numpy() == 0
    uncompiled = sequential(seed=1, optimizer=None)
    uncompiled.load_weights(path)
    assert equal(model, uncompiled)


def test_mismatches_are_listed_and_change_nothing(tmp_path):
    path = tmp_path / "w.safetensors"
    sequential(units=4).save_weights(path)
    model = hotloop.Sequential(
        [hotloop.Input((6,)), layers.Dense(5), layers.Dense(2), layers.Dense(2)]
    )
    before = model.get_weights()
    with pytest.raises(ValueError, match="left as it was") as caught:
        model.load_weights(path)
    message = str(caught.value)
    assert "Missing in the file: model/dense_2/bias; model/dense_2/kernel." in message
    assert "model/dense/kernel (6, 4) in the file, (6, 5) in the model" in message
    assert "skip_mismatch=True" in message
    small = hotloop.Sequential([hotloop.Input((6,)), layers.Dense(4)])
    with pytest.raises(ValueError, match="Not in the model: model/dense_1/bias; model/dense_1/k"):
        small.load_weights(path)
    for weight, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_skip_mismatch(tmp_path):
    path = tmp_path / "w.safetensors"
    saved = sequential(units=5)
    saved.layers[0].bias.assign(np.arange(5.0))
    saved.save_weights(path)
    model = hotloop.Sequential([hotloop.Input((6,)), layers.Dense(5), layers.Dense(3)])
    last = model.layers[1].get_weights()
    with pytest.warns(UserWarning, match=r"keep their weights.*dense_1/kernel \(5, 2\)"):
        model.load_weights(path, skip_mismatch=True)
    np.testing.assert_array_equal(model.layers[0].bias.numpy(), np.arange(5.0))
    for weight, kept in zip(model.layers[1].get_weights(), last, strict=True):
        np.testing.assert_array_equal(weight, kept)


def test_other_dtypes_are_refused(tmp_path):
    model = sequential()
    tensors = {name: v.numpy().astype("int32") for name, v in weight_names(model).items()}
    write_tensors(tmp_path / "w.safetensors", "weights", tensors)
    with pytest.raises(ValueError, match="dense/bias int32 in the file, float32 in the model"):
        model.load_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize("name", ["w.weights.h5", "w.keras", "w.h5", "w.weights.json", "w", ""])
def test_other_suffixes_are_refused(tmp_path, name):
    model = sequential()
    for method in ("save_weights", "load_weights"):
        with pytest.raises(ValueError, match=r"must end in '\.safetensors'"):
            getattr(model, method)(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_arguments_are_honoured_or_refused(tmp_path):
    model, path = sequential(), tmp_path / "w.safetensors"
    model.save_weights(path)
    kept = path.read_bytes()
    model.set_weights([w + 1 for w in model.get_weights()])
    with pytest.raises(FileExistsError, match="overwrite=False"):
        model.save_weights(path, overwrite=False)
    with pytest.raises(NotImplementedError, match=r"max_shard_size=0\.5"):
        model.save_weights(path, max_shard_size=0.5)
    assert path.read_bytes() == kept
    with pytest.raises(ValueError, match="does not take by_name"):
        model.load_weights(path, by_name=True)
    with pytest.raises(TypeError, match=r"expects a path.*Received: 3"):
        model.save_weights(3)
    with pytest.raises(FileNotFoundError):
        model.load_weights(tmp_path / "no.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(ValueError, match="not a regular file"):
        model.load_weights(tmp_path / "folder.safetensors")
    unbuilt = hotloop.Sequential([layers.Dense(2)])
    for method in ("save_weights", "load_weights"):
        with pytest.raises(ValueError, match="has no weights yet"):
            getattr(unbuilt, method)(path)


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


META = {"format": "hotloop.weights", "format_version": "1", "hotloop_version": "9"}
HOSTILE = {
    "empty": b"",
    "short": b"\x01",
    "huge header": struct.pack("<Q", 2**63) + b"{}",
    "header beyond the end": struct.pack("<Q", 100) + b"{}",
    "no json": safetensors(b"\xff\xfe{{{"),
    "deep json": safetensors(b"[" * 100_000),
    "a list": safetensors([1, 2]),
    "pickle": b"\x80\x04\x95" + b"." * 50,
    "foreign": safetensors({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"0000"),
    "other format": safetensors({"__metadata__": {**META, "format": "pt"}}),
    "newer layout": safetensors({"__metadata__": {**META, "format_version": "2"}}),
    "metadata numbers": safetensors({"__metadata__": {"format": 3}}),
    "offsets overlap": safetensors(
        {
            "__metadata__": META,
            "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
            "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        },
        b"0000",
    ),
    "offsets beyond the end": safetensors(
        {"__metadata__": META, "a": {"dtype": "F32", "shape": [100], "data_offsets": [0, 400]}},
        b"0000",
    ),
    "shape that overflows": safetensors(
        {
            "__metadata__": META,
            "a": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]},
        },
        b"0000",
    ),
    "shape without bytes": safetensors(
        {
            "__metadata__": META,
            "a": {"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]},
        }
    ),
    "dtype of nobody": safetensors(
        {"__metadata__": META, "a": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}, b"0000"
    ),
    "dtype of others": safetensors(
        {"__metadata__": META, "a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}},
        b"00000000",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_damaged_and_hostile_files(tmp_path, case):
    model, path = sequential(), tmp_path / "w.safetensors"
    before = model.get_weights()
    path.write_bytes(HOSTILE[case])
    with pytest.raises(ValueError, match=r"w\.safetensors"):
        model.load_weights(path)
    with pytest.raises(ValueError, match=r"w\.safetensors"):
        read_tensors(path, "other")
    for weight, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)


@functools.cache
def some_file():
    model = sequential(optimizer=None)
    with tempfile.TemporaryDirectory() as folder:
        model.save_weights(f"{folder}/w.safetensors")
        with open(f"{folder}/w.safetensors", "rb") as file:
            return model, file.read()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_bytes_that_change_or_go(tmp_path_factory, data):
    """Whatever becomes of a file, loading works or raises ValueError."""
    path = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    model, whole = some_file()
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path.write_bytes(bytes(content))
    before = model.get_weights()
    try:
        model.load_weights(path)
    except ValueError:
        for weight, kept in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, kept)


def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    model, path = sequential(), tmp_path / "w.safetensors"
    model.save_weights(path)
    kept = path.read_bytes()

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    model.set_weights([w + 1 for w in model.get_weights()])
    with pytest.raises(OSError, match="No space"):
        model.save_weights(path)
    monkeypatch.undo()
    assert path.read_bytes() == kept
    assert os.listdir(tmp_path) == [path.name]


def test_importing_hotloop_does_not_import_safetensors():
    code = "import sys, hotloop; hotloop.Sequential; sys.exit('safetensors' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_subclassed_model(tmp_path):
    class Net(hotloop.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(4), layers.Dense(2)

        def call(self, x):
            return self.second(ops.relu(self.first(x)))

    model, other = Net(), Net()
    model(X)
    other(X)
    model.save_weights(tmp_path / "w.safetensors")
    other.load_weights(tmp_path / "w.safetensors")
    assert equal(model, other)


@pytest.mark.parametrize("method", ["save_own_variables", "load_assets"])
def test_layers_that_keep_their_own_state_are_refused(tmp_path, method):
    """Keras's files hold what such a method writes; leaving it out would lose it."""
    own = type("Own", (layers.Dense,), {method: lambda self, store: None})
    model = hotloop.Sequential([layers.Input((3,)), own(2)])
    path = tmp_path / "model.safetensors"
    with pytest.raises(NotImplementedError, match=rf"Own defines {method}\(\)"):
        model.save_weights(path)
    assert not path.exists()
    plain = hotloop.Sequential([layers.Input((3,)), layers.Dense(2)])
    plain.save_weights(path)
    with pytest.raises(NotImplementedError, match=rf"Own defines {method}\(\)"):
        model.load_weights(path)
