import numpy as np
import pytest

import hotloop as k
from hotloop import dtype_policies
from hotloop.dtype_policies import DTypePolicy


def test_the_one_policy():
    policy = DTypePolicy("float32")
    assert policy.name == policy.compute_dtype == policy.variable_dtype == "float32"
    assert policy.quantization_mode is None
    assert repr(policy) == '<DTypePolicy "float32">'
    assert policy == DTypePolicy() == k.FloatDTypePolicy("float32")
    assert len({policy, DTypePolicy()}) == 1
    assert policy != "float32"


def test_configurations():
    config = dtype_policies.serialize(DTypePolicy("float32"))
    assert config == {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "float32"},
        "registered_name": None,
    }
    assert dtype_policies.serialize(None) is None
    for identifier in (config, "float32", None, DTypePolicy()):
        assert dtype_policies.get(identifier) == DTypePolicy("float32")
    with pytest.raises(TypeError, match="DTypePolicy to serialize"):
        dtype_policies.serialize("float32")
    with pytest.raises(TypeError, match="class_name"):
        dtype_policies.deserialize({})
    with pytest.raises(ValueError, match="Unknown dtype policy"):
        dtype_policies.deserialize({"class_name": "Nothing"})
    with pytest.raises(ValueError, match="Could not interpret 3"):
        dtype_policies.get(3)


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16", "float16", "float64", "int32"])
def test_other_policies_are_refused(name):
    with pytest.raises(NotImplementedError, match=name):
        DTypePolicy(name)


def test_what_is_no_policy():
    with pytest.raises(ValueError, match="float3"):
        DTypePolicy("float3")
    with pytest.raises(TypeError, match="must be a string"):
        DTypePolicy(32)


@pytest.mark.parametrize("name", ["DTypePolicyMap", "QuantizedDTypePolicy"])
def test_quantization_is_refused(name):
    with pytest.raises(NotImplementedError, match=name):
        getattr(dtype_policies, name)
    with pytest.raises(NotImplementedError, match=name):
        dtype_policies.deserialize({"class_name": name, "config": {}})
    with pytest.raises(AttributeError, match="Nothing"):
        dtype_policies.Nothing  # noqa: B018


def test_layers_and_policies():
    layer = k.layers.Dense(2, dtype=DTypePolicy("float32"))
    assert layer.dtype_policy == DTypePolicy()
    assert layer.compute_dtype == "float32"


def test_inputs():
    x = np.ones(3, np.float64)
    assert DTypePolicy().convert_input(x, True, "float32").dtype == "float32"
    assert DTypePolicy().convert_input("text", True, "float32") == "text"
    symbolic = k.KerasTensor((2,))
    assert DTypePolicy().convert_input(symbolic, True, "float32") is symbolic
