"""What every layer keeps to: one answer for eager calls, compiled calls and symbolic shapes."""

import numpy as np
import pytest

from hotloop import graph, layers

rng = np.random.default_rng(23)
FLAT = rng.normal(size=(5, 6)).astype("float32")
CUBE = rng.normal(size=(5, 2, 3)).astype("float32")
WHOLE = rng.integers(0, 255, size=(5, 2, 3)).astype("uint8")

CASES = [
    (layers.Dense(4, activation="relu"), FLAT),
    (layers.Dense(4, activation="softmax", use_bias=False), CUBE),
    (layers.Dense(40), WHOLE),
    (layers.Flatten(), CUBE),
    (layers.Flatten(data_format="channels_first"), CUBE),
    (layers.Flatten(), WHOLE),
    (layers.Reshape((3, 2)), CUBE),
    (layers.Reshape((-1, 2)), FLAT),
    (layers.Reshape((6,)), WHOLE),
    (layers.Activation("gelu"), FLAT),
    (layers.ReLU(max_value=1.0, negative_slope=0.1), CUBE),
    (layers.Softmax(), FLAT),
    (layers.Softmax(axis=1), CUBE),
    (layers.Softmax(axis=(1, 2)), CUBE),
    (layers.Dropout(0.5), FLAT),
    (layers.Identity(), CUBE),
    (layers.Permute((2, 1)), CUBE),
    (layers.Permute((2, 1)), WHOLE),
    (layers.RepeatVector(3), FLAT),
    (layers.RepeatVector(2), WHOLE[:, 0]),
    (layers.Masking(0.5), CUBE),
    (layers.GaussianNoise(0.5), FLAT),
    (layers.GaussianDropout(0.5), FLAT),
    (layers.AlphaDropout(0.5), FLAT),
    (layers.SpatialDropout1D(0.5), CUBE),
    (layers.ActivityRegularization(0.1, 0.2), FLAT),
    (layers.LeakyReLU(), FLAT),
    (layers.ELU(0.5), CUBE),
    (layers.PReLU("uniform"), CUBE),
    (layers.PReLU("uniform", shared_axes=[1]), CUBE),
    (layers.BatchNormalization(moving_mean_initializer="ones"), FLAT),
    (layers.BatchNormalization(axis=1, scale=False), CUBE),
    (layers.BatchNormalization(renorm=True, center=False), CUBE),
    (layers.LayerNormalization(), FLAT),
    (layers.LayerNormalization(axis=[1, 2], center=False), CUBE),
    (layers.LayerNormalization(axis=1, scale=False), CUBE),
    (layers.GroupNormalization(3), FLAT),
    (layers.GroupNormalization(2, axis=1), CUBE),
    (layers.GroupNormalization(-1, axis=-1), CUBE),
    (layers.RMSNormalization(), FLAT),
    (layers.RMSNormalization(axis=(1, 2)), CUBE),
    (layers.UnitNormalization(), FLAT),
    (layers.UnitNormalization(axis=[1, 2]), CUBE),
    (layers.GlobalAveragePooling1D(), CUBE),
    (layers.GlobalAveragePooling1D("channels_first", keepdims=True), CUBE),
    (layers.GlobalMaxPooling1D(), CUBE),
    (layers.TimeDistributed(layers.Dense(4, activation="tanh")), CUBE),
    (layers.EinsumDense("ab,bc->ac", 4, bias_axes="c"), FLAT),
    (layers.EinsumDense("...x,xy->...y", 4, activation="relu"), CUBE),
    (layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="be"), CUBE),
    (layers.Embedding(256, 4, mask_zero=True), WHOLE),
]


def describe(value):
    return (
        type(value).__name__ if isinstance(value, layers.Layer) else f"{value.ndim}d_{value.dtype}"
    )


@pytest.mark.parametrize(("layer", "x"), CASES, ids=describe)
def test_contract(layer, x):
    eager = layer(x).numpy()

    symbolic = layer(layers.Input(x.shape[1:], dtype=x.dtype))
    assert symbolic.shape == (None, *eager.shape[1:])
    assert symbolic.dtype == eager.dtype.name
    assert layer.compute_output_shape((None, *x.shape[1:])) == symbolic.shape
    fixed = layer(layers.Input(batch_shape=x.shape, dtype=x.dtype))
    assert fixed.shape == eager.shape

    wide = np.ascontiguousarray(x, "int32" if x.dtype.kind == "u" else "float32")
    trace = graph.trace(lambda t: [layer(t)], [(wide.shape, wide.dtype)])
    compiled = np.empty_like(eager)
    graph.compile(trace, batched=False).run([wide], outputs=[compiled])
    np.testing.assert_allclose(compiled, eager, rtol=1e-6, atol=1e-7)
    exact = graph.reference.run(trace, [wide])[0][0]
    np.testing.assert_allclose(eager, exact, rtol=1e-5, atol=1e-5)

    twin = type(layer).from_config(layer.get_config())
    twin.build(x.shape)
    assert [w.shape for w in twin.weights] == [w.shape for w in layer.weights]
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(x), eager)
    assert twin.count_params() == sum(w.size for w in layer.get_weights())
    assert all(w.path.startswith(layer.name) for w in layer.weights)


@pytest.mark.parametrize(("layer", "x"), CASES, ids=describe)
def test_arrays_in_any_memory_layout(layer, x):
    expected = layer(x).numpy()
    padded = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    padded[..., ::2] = x
    frozen = x.copy()
    frozen.flags.writeable = False
    for other in (padded[..., ::2], np.asfortranarray(x), frozen, x.astype(x.dtype.newbyteorder())):
        np.testing.assert_array_equal(layer(other), expected)
