"""Layers of Keras that hotloop does not aim to have, and why: asking for one should say so."""

from __future__ import annotations

_FAMILIES = {
    "convolution": (
        "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1D "
        "Convolution2D Convolution3D Convolution1DTranspose Convolution2DTranspose "
        "Convolution3DTranspose DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D "
        "SeparableConvolution1D SeparableConvolution2D ConvLSTM1D ConvLSTM2D ConvLSTM3D "
        "MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D "
        "AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D"
    ),
    "recurrence": (
        "RNN LSTM LSTMCell GRU GRUCell SimpleRNN SimpleRNNCell StackedRNNCells Bidirectional"
    ),
    "attention": "Attention AdditiveAttention MultiHeadAttention GroupQueryAttention",
}
_REASONS = {name: family for family, names in _FAMILIES.items() for name in names.split()}


def refuse(name: str) -> None:
    """Raises `NotImplementedError` if `name` is a layer outside what hotloop is for.

    Not `AttributeError`: `from hotloop.layers import LSTM` would make an `ImportError` of that and
    lose the explanation.
    """
    if name in _REASONS:
        raise NotImplementedError(
            f"hotloop has no layer {name!r}: {_REASONS[name]} is out of its scope, which is dense "
            "networks on CPUs. Keras with another backend has it."
        )
