"""Packages that load their names when these are asked for: nobody may be able to tell."""

import ast
import copy
import importlib
import pickle
import subprocess
import sys
import types

import pytest

from hotloop.common.registry import Registry

PACKAGES = [
    "callbacks",
    "constraints",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "optimizers.schedules",
    "random",
    "regularizers",
    "saving",
    "utils",
]


def loaded(name):
    return importlib.import_module(f"hotloop.{name}")


@pytest.mark.parametrize("name", PACKAGES)
def test_type_checkers_see_what_is_loaded_later(repo, name):
    path = repo / "src/hotloop" / name.replace(".", "/") / "__init__.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    package = loaded(name)
    seen = {}
    for node in block.body:
        if isinstance(node, ast.Assign):
            seen[node.targets[0].id] = seen[node.value.id]
            continue
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            value = getattr(importlib.import_module(node.module), alias.name)
            seen[alias.asname or alias.name] = value
    names = {name for name, value in seen.items() if not isinstance(value, types.ModuleType)}
    assert names == set(package._LATER)
    for public, value in seen.items():
        assert getattr(package, public) is value, public


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_there_and_listed(name):
    package = loaded(name)
    assert set(package.__all__) <= set(dir(package))
    for public in package.__all__:
        assert getattr(package, public) is not None
    with pytest.raises(AttributeError, match="Dens"):
        package.Dens  # noqa: B018


@pytest.mark.parametrize("name", PACKAGES)
def test_packages_travel_by_name(name):
    """Functions that use them are sent to other processes, by joblib for instance."""
    package = loaded(name)
    assert pickle.loads(pickle.dumps(package)) is package
    assert copy.deepcopy(package) is package


def test_public_namespaces_of_ops():
    code = """
import hotloop
assert "linalg" in dir(hotloop.ops)
assert hotloop.ops.linalg.det is hotloop.ops.det
assert hotloop.ops.nn.relu is hotloop.ops.relu
assert hotloop.ops.numpy.add is hotloop.ops.add
import hotloop.ops.einsum
assert callable(hotloop.ops.einsum)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_operators_and_numpy_load_what_they_call():
    code = """
import numpy as np
from hotloop.graph import Variable, trace
a, b = Variable(np.arange(6.0).reshape(2, 3)), Variable(np.ones((3, 2)))
assert (a @ b).numpy().tolist() == [[3.0, 3.0], [12.0, 12.0]]
assert (a[1] // 2).numpy().tolist() == [1.0, 2.0, 2.0]
made = trace(lambda: [np.cumsum(a.value, axis=1)], [])
assert made.outputs[0].primitive == "cumsum"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_functions_called_like_their_module():
    code = """
import hotloop.losses.huber
from hotloop.losses.huber import Huber
import hotloop
assert callable(hotloop.losses.huber), hotloop.losses.huber
assert hotloop.losses.huber.__module__ == "hotloop.losses.huber"
assert hotloop.losses.Huber is Huber
from hotloop.metrics import hinge
assert callable(hinge)
import hotloop.layers.dot
assert callable(hotloop.layers.dot)
from hotloop.losses import *
assert callable(poisson) and callable(huber)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_members_are_known_before_they_are_asked_for():
    code = """
from hotloop.common.registry import Registry
from hotloop.losses.huber import Huber, huber
from hotloop.optimizers.adam import Adam
from hotloop import losses, optimizers, saving
assert Huber in Registry.families["keras.losses"] and huber in Registry.families["keras.losses"]
assert losses.is_loss(Huber()) and not losses.is_loss(Adam())
config = optimizers.serialize(Adam())
assert config["module"] == "keras.optimizers", config
assert isinstance(optimizers.deserialize(config), Adam)
assert isinstance(saving.deserialize_keras_object(losses.serialize(Huber())), Huber)
assert isinstance(losses.get("Tversky"), losses.Tversky)
assert isinstance(optimizers.get("rmsPROP"), optimizers.RMSprop)
try:
    losses.get("hubber")
except ValueError as error:
    assert "'huber'" in str(error) and "mean_squared_error" in str(error), error
else:
    raise AssertionError
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_nothing_else_counts_as_a_member():
    family = Registry.families["keras.losses"]

    class Huber:
        """Called like one of the package's."""

    for other in (Huber, Huber(), 1, None, "huber"):
        assert other not in family
    assert family.find("Hubber") is None


def test_a_first_step_loads_the_classes_that_it_needs():
    code = """
import sys, numpy, hotloop
model = hotloop.Sequential([hotloop.Input((3,)), hotloop.layers.Dense(2)])
model.compile("adam", "mse", metrics=["accuracy"])
model.train_on_batch(numpy.zeros((4, 3)), numpy.zeros((4, 2)))
print(*sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert "hotloop.optimizers.adam" in modules
    assert modules.isdisjoint(
        {
            "hotloop.optimizers.lamb",
            "hotloop.losses.circle",
            "hotloop.metrics.auc",
            "hotloop.layers.batch_normalization",
            "hotloop.layers.preprocessing.hashing",
            "hotloop.optimizers.schedules.cosine_decay",
            "hotloop.callbacks.callback_list",
            "hotloop.constraints.constraints",
            "hotloop.graph.passes.blocks",
            "hotloop.graph.primitives.matrices",
            "hotloop.ops.einsum",
            "hotloop.saving.serialization",
            "hotloop.training.stream_feed",
            "hotloop.utils.timeseries",
        }
    )
