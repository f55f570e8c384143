"""Asking for a layer that hotloop will not have says so, however it is asked for."""

import pytest

from hotloop import layers


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Conv2D", "convolution"),
        ("LSTM", "recurrence"),
        ("MultiHeadAttention", "attention"),
        ("RandomFlip", "image processing"),
        ("STFTSpectrogram", "audio"),
        ("TorchModuleWrapper", "other frameworks"),
    ],
)
def test_layers_outside_the_scope_are_refused_with_the_reason(name, reason):
    with pytest.raises(NotImplementedError, match=f"{name}.*{reason}"):
        getattr(layers, name)
    with pytest.raises(NotImplementedError, match=reason):
        exec(f"from hotloop.layers import {name}")


def test_a_misspelt_layer_is_an_attribute_error_with_the_closest_name():
    with pytest.raises(AttributeError, match="Did you mean 'Dense'"):
        layers.Dence  # noqa: B018
