"""The public names of Keras that hotloop does not have, and what to do instead.

Asking for one raises `NotImplementedError`, not `AttributeError`: `from hotloop.layers import LSTM`
would make an `ImportError` of that and lose the explanation. docs/keras_names.md lists the same
names; `tests/parity/test_names.py` compares the two with Keras. Imports nothing of
hotloop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

_SCOPE = "is out of its scope, which is dense networks on CPUs. Keras with another backend has it."
_IMAGES = f"image processing {_SCOPE}"
_CONVOLUTION = f"convolution {_SCOPE}"
_SEQUENCES = f"work on sequences {_SCOPE}"
_QUANTIZED = "everything is computed in float32, and nothing is quantized."
_COMPLEX = "there are no complex numbers."
_FILES = (
    "whole models are not written to files yet. `to_json()` and `model_from_json()` move the "
    "architecture; `save_weights()` and `load_weights()` of the model move the weights."
)
_LEGACY = "it belongs to Keras 2, and Keras 3 only refuses it. "
_TEXT = "texts are out of its scope; `layers.StringLookup` takes words that are already split."

# module -> reason -> names
_REASONS: dict[str, dict[str, str]] = {
    "hotloop": {
        f"models that were trained on images: this {_SCOPE}": "applications",
        "distillation is not there. Override `compute_loss` or `train_step` (docs/keras.md).": (
            "distillation"
        ),
        "there is one machine and one kind of device, the CPU.": "distribution device",
        _FILES: "export",
        f"{_LEGACY}`hotloop.saving` has what is used today.": "legacy",
        "data in folders is read by the program itself; `utils` has "
        "`timeseries_dataset_from_array` and `split_dataset`.": "preprocessing",
        _QUANTIZED: "quantizers Quantizer",
        f"drawing on images: image processing {_SCOPE}": "visualization",
        "there are no wrappers for scikit-learn. Call `fit` and `predict` of the model.": (
            "wrappers"
        ),
        "a model is the function: use `Model(inputs, outputs)`.": "Function",
        "what a plan keeps in memory is decided when it is compiled.": "remat RematScope",
        "state lives in variables, which functions may read and assign: nothing has to be "
        "handed around.": "StatelessScope SymbolicScope",
        "variables are named after their layers. Pass `name=…` to layers.": "name_scope",
    },
    "hotloop.layers": {
        _CONVOLUTION: (
            "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1D "
            "Convolution2D Convolution3D Convolution1DTranspose Convolution2DTranspose "
            "Convolution3DTranspose DepthwiseConv1D DepthwiseConv2D SeparableConv1D "
            "SeparableConv2D SeparableConvolution1D SeparableConvolution2D "
            "ConvLSTM1D ConvLSTM2D ConvLSTM3D "
            "MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D "
            "AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D"
        ),
        f"recurrence {_SCOPE}": (
            "RNN LSTM LSTMCell GRU GRUCell SimpleRNN SimpleRNNCell StackedRNNCells Bidirectional"
        ),
        f"attention {_SCOPE}": "Attention AdditiveAttention MultiHeadAttention GroupQueryAttention",
        _IMAGES: (
            "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D "
            "AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D "
            "GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool2D GlobalAvgPool3D "
            "GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling2D GlobalMaxPooling3D "
            "Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D "
            "ZeroPadding1D ZeroPadding2D ZeroPadding3D SpatialDropout2D SpatialDropout3D "
            "AugMix AutoContrast CenterCrop CutMix Equalization MaxNumBoundingBoxes "
            "ContrastLimitedAdaptiveHistogramEqualization MixUp RandAugment RandomBrightness "
            "RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop "
            "RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale "
            "RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation "
            "RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom "
            "Resizing Solarization"
        ),
        f"audio processing {_SCOPE}": "MelSpectrogram STFTSpectrogram",
        f"running other frameworks' models {_SCOPE}": (
            "FlaxLayer JaxLayer TFSMLayer TorchModuleWrapper"
        ),
        "`Sequential` chains layers; preprocessing layers that a model cannot contain are called "
        "on the data first.": "Pipeline",
        _TEXT: "TextVectorization",
        "combine the columns first, and give what comes out to `layers.Hashing`.": "HashedCrossing",
        "write a layer of your own that owns the matrix: `ops.take` looks up its rows and "
        "`ops.matmul` projects onto them.": "ReversibleEmbedding",
        "constrain the kernel instead, with `kernel_constraint=`, or write a layer of your own "
        "that divides it by its largest singular value (`ops.norm(kernel, 2)`).": (
            "SpectralNormalization"
        ),
    },
    "hotloop.losses": {_SEQUENCES: "CTC ctc"},
    "hotloop.initializers": {f"audio processing {_SCOPE}": "STFT STFTInitializer stft"},
    "hotloop.callbacks": {
        "Orbax stores what lives on JAX. `BackupAndRestore` resumes a run bit for bit, and "
        "`ModelCheckpoint` keeps weights.": "OrbaxCheckpoint",
    },
    "hotloop.config": {
        "a configuration is data here; nothing in one is ever run.": (
            "enable_unsafe_deserialization"
        ),
    },
    "hotloop.datasets": {
        "`mnist` and `fashion_mnist` are there.": (
            "boston_housing california_housing cifar10 cifar100 imdb reuters"
        ),
    },
    "hotloop.dtype_policies": {
        _QUANTIZED: (
            "AWQDTypePolicy DTypePolicyMap GPTQDTypePolicy Int4DTypePolicy QuantizedDTypePolicy "
            "QuantizedFloat8DTypePolicy"
        ),
    },
    "hotloop.models": {_FILES: "save_model"},
    "hotloop.saving": {
        _FILES: "KerasFileEditor load_model load_weights save_model save_weights",
    },
    "hotloop.ops": {
        f"pooling over images {_SCOPE}": (
            "adaptive_average_pool adaptive_max_pool average_pool max_pool"
        ),
        _CONVOLUTION: "conv conv_transpose depthwise_conv fold separable_conv unfold",
        _IMAGES: "image",
        f"attention {_SCOPE}": "dot_product_attention",
        _SEQUENCES: "ctc_decode ctc_loss",
        _COMPLEX: ("fft fft2 ifft2 irfft istft polar rfft stft view_as_complex view_as_real"),
        "its results are complex, and there are no complex numbers. `eigh` is there for symmetric "
        "matrices.": "eig",
        "the values decide the shape of the result, which a compiled function has to know. "
        "`where(condition, x1, x2)` and masks are there; use NumPy outside of the model.": (
            "nonzero unique"
        ),
        "it needs the bits of a number, which nothing here reinterprets.": "nextafter",
    },
    "hotloop.optimizers": {f"{_LEGACY}Use the optimizers of `hotloop.optimizers`.": "legacy"},
    "hotloop.utils": {
        _IMAGES: (
            "array_to_img bounding_boxes image_dataset_from_directory img_to_array load_img "
            "save_img"
        ),
        f"audio processing {_SCOPE}": "audio_dataset_from_directory",
        _TEXT: "text_dataset_from_directory",
        _SEQUENCES: "pad_sequences",
        "use the preprocessing layers one by one: `Normalization`, `CategoryEncoding`, "
        "`StringLookup`, `Hashing`, `Discretization`.": "FeatureSpace",
        f"{_LEGACY}`hotloop.saving` has what is used today.": "legacy",
        "a dictionary does, or `types.SimpleNamespace`.": "Config",
        "`model.inputs` has the inputs of a model.": "get_source_inputs",
    },
}


def reason_for(module: str, name: str) -> str | None:
    """Why `module`, such as "hotloop.layers", lacks a public name of Keras; None for others."""
    for reason, names in _REASONS.get(module, {}).items():
        if name in names.split():
            return reason
    return None


def refuse(module: str, name: str) -> None:
    """Raises `NotImplementedError` if Keras's package has `name` and `module` does not."""
    reason = None if name.startswith("_") else reason_for(module, name)
    if reason is not None:
        raise NotImplementedError(f"{module} has no {name!r}: {reason}")


def missing(module: str, package: str | None = None) -> Callable[[str], NoReturn]:
    """The `__getattr__` of a module: refuses what Keras has, in `package` if that differs."""

    def __getattr__(name: str) -> NoReturn:  # noqa: N807
        refuse(package or module, name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return __getattr__
