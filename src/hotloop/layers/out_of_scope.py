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
    "image processing": (
        "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D "
        "AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D GlobalAveragePooling2D "
        "GlobalAveragePooling3D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool2D GlobalMaxPool3D "
        "GlobalMaxPooling2D GlobalMaxPooling3D Cropping1D Cropping2D Cropping3D UpSampling1D "
        "UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D SpatialDropout2D "
        "SpatialDropout3D AugMix AutoContrast CenterCrop CutMix Equalization MaxNumBoundingBoxes "
        "ContrastLimitedAdaptiveHistogramEqualization MixUp RandAugment RandomBrightness "
        "RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop "
        "RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale "
        "RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation "
        "RandomSaturation RandomSharpness "
        "RandomShear RandomTranslation RandomZoom Resizing Solarization"
    ),
    "audio processing": "MelSpectrogram STFTSpectrogram",
    "running other frameworks' models": "FlaxLayer JaxLayer TFSMLayer TorchModuleWrapper",
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
