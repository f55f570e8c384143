"""Names to objects and back."""

import importlib

import pytest

from hotloop.common.dtypes import standardize_dtype
from hotloop.common.registry import Registry, unknown_name


class Thing:
    def __init__(self, size=1):
        self.size = size

    def get_config(self):
        return {"size": self.size}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class Stranger(Thing):
    pass


def double(x):
    return 2 * x


@pytest.fixture
def registry():
    registry = Registry("test.things", "thing")
    registry.add(Thing, double, snake_case=True, twice=double)
    return registry


def test_names_and_aliases(registry):
    assert isinstance(registry.get("Thing"), Thing)
    assert isinstance(registry.get("thing"), Thing)
    assert registry.get("double") is double
    assert registry.get("twice") is double
    assert registry.get(None) is None


def test_classes_and_functions(registry):
    with pytest.raises(ValueError, match=r"Could not interpret 3 .* as a thing"):
        registry.get(3)
    assert registry.get(Thing).size == 1
    assert registry.get(double) is double


def get_thing(registry, thing):
    return registry.get(thing, fallback=lambda obj: isinstance(obj, Thing))


def test_instances_pass_through(registry):
    thing = Thing(3)
    assert get_thing(registry, thing) is thing


def test_a_wrong_name_gets_the_closest_and_all(registry):
    with pytest.raises(ValueError, match=r"Unknown thing 'doubel'\. Did you mean 'double'\?") as e:
        registry.get("doubel")
    assert "Valid names: Thing, double, thing, twice." in str(e.value)


def test_case_does_not_hide_the_closest():
    assert "Did you mean 'adam'" in str(unknown_name("optimizer", "ADAM", ["adam", "sgd"]))


def test_nothing_close_means_no_hint():
    assert "Did you mean" not in str(unknown_name("optimizer", "zzz", ["adam", "sgd"]))


def test_round_trip(registry):
    config = registry.serialize(Thing(5))
    assert config == {
        "module": "test.things",
        "class_name": "Thing",
        "config": {"size": 5},
        "registered_name": None,
    }
    assert registry.deserialize(config).size == 5
    assert registry.deserialize(registry.serialize(double)) is double


def test_strangers_need_custom_objects(registry):
    config = registry.serialize(Stranger(7))
    assert config["registered_name"] == "Stranger"
    with pytest.raises(ValueError, match="Unknown thing 'Stranger'"):
        registry.deserialize(config)
    assert registry.deserialize(config, {"Stranger": Stranger}).size == 7


def test_what_is_no_configuration(registry):
    with pytest.raises(TypeError, match="class_name"):
        registry.deserialize({"name": "Thing"})
    with pytest.raises(TypeError, match="Cannot serialize"):
        registry.serialize(Thing)


@pytest.mark.parametrize(
    ("module", "name", "closest"),
    [
        ("layers", "Densse", "Dense"),
        ("losses", "MeanSquareError", "MeanSquaredError"),
        ("metrics", "BinaryAcuracy", "BinaryAccuracy"),
        ("optimizers", "Adamm", "Adam"),
        ("initializers", "GlorotUnifrm", "GlorotUniform"),
        ("regularizers", "L1L3", "L1L2"),
        ("constraints", "MaxNrm", "MaxNorm"),
        ("activations", "rleu", "relu"),
    ],
)
def test_modules_name_the_closest(module, name, closest):
    with pytest.raises(AttributeError, match=f"Unknown .* '{name}'.*Did you mean.*'{closest}'"):
        getattr(importlib.import_module(f"hotloop.{module}"), name)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, "float32"), (float, "float32"), ("int32", "int32"), (bool, "bool"), ("bool", "bool")],
)
def test_standardize_dtype(given, expected):
    assert standardize_dtype(given) == expected


@pytest.mark.parametrize("given", ["float16", "bfloat16", "float64", "mixed_float16", "int8"])
def test_real_dtypes_that_are_not_computed_in(given):
    with pytest.raises(NotImplementedError, match=given):
        standardize_dtype(given)


@pytest.mark.parametrize("given", ["float17", "nonsense"])
def test_what_is_no_dtype(given):
    with pytest.raises(ValueError, match="Invalid dtype"):
        standardize_dtype(given)
