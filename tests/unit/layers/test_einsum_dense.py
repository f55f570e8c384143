"""EinsumDense: shapes of weights and results, values, and equations that make no sense."""

import numpy as np
import pytest

from hotloop import initializers, layers

rng = np.random.default_rng(6)

# equation, output_shape, bias_axes, shape of the inputs, of the kernel, of the bias, of the result
CASES = [
    ("ab,bc->ac", 64, "c", (2, 32), (32, 64), (64,), (2, 64)),
    ("ab,bc->ac", (64,), None, (2, 32), (32, 64), None, (2, 64)),
    ("abc,cd->abd", (5, 4), "d", (2, 5, 3), (3, 4), (4,), (2, 5, 4)),
    ("abc,cd->abd", (None, 4), "bd", (2, 5, 3), (3, 4), (5, 4), (2, 5, 4)),
    ("abc,cde->abde", (None, 2, 3), "e", (2, 5, 4), (4, 2, 3), (3,), (2, 5, 2, 3)),
    ("abc,cde->abde", (None, 2, 3), "d", (2, 5, 4), (4, 2, 3), (2, 1), (2, 5, 2, 3)),
    ("abde,cde->abc", (None, 7), "c", (2, 5, 3, 4), (7, 3, 4), (7,), (2, 5, 7)),
    ("...x,xy->...y", 4, "y", (2, 3), (3, 4), (4,), (2, 4)),
    ("...x,xy->...y", 4, "y", (2, 5, 6, 3), (3, 4), (4,), (2, 5, 6, 4)),
    ("ab...,bc->ac...", 4, "c", (2, 3, 5, 6), (3, 4), (4, 1, 1), (2, 4, 5, 6)),
    ("abc,adc->abd", (3, 4), None, (2, 3, 5), (2, 4, 5), None, (2, 3, 4)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}_{case[2]}")
def test_values_and_shapes(case):
    equation, output_shape, bias_axes, shape, kernel, bias, result = case
    layer = layers.EinsumDense(
        equation, output_shape, bias_axes=bias_axes, bias_initializer="random_normal"
    )
    x = rng.normal(size=shape).astype("float32")
    found = layer(x)
    assert layer.kernel.shape == kernel
    assert (None if layer.bias is None else layer.bias.shape) == bias
    expected = np.einsum(equation, x.astype(float), layer.kernel.numpy())
    if bias is not None:
        expected = expected + layer.bias.numpy()
    assert found.shape == expected.shape == result
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert layer.compute_output_shape(shape) == result
    twin = layers.EinsumDense.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    twin.build(shape)
    assert [w.shape for w in twin.weights] == [w.shape for w in layer.weights]


def test_unknown_sizes():
    layer = layers.EinsumDense("...x,xy->...y", 4)
    assert layer(layers.Input((None, 3))).shape == (None, None, 4)
    assert layers.EinsumDense("ab,bc->ac", 4)(layers.Input((3,))).shape == (None, 4)
    heads = layers.EinsumDense("abc,cd->abd", (None, 4))
    assert heads(layers.Input((None, 3))).shape == (None, None, 4)


def test_the_initializer_knows_inputs_from_outputs():
    layer = layers.EinsumDense("abc,cde->abde", (None, 20, 30), kernel_initializer="glorot_uniform")
    layer.build((None, 5, 40))
    limit = np.sqrt(6 / (40 + 600))
    values = abs(layer.kernel.numpy())
    assert 0.98 * limit < values.max() <= limit
    given = initializers.GlorotUniform(seed=3)
    twins = [layers.EinsumDense("ab,bc->ac", 4, kernel_initializer=given) for _ in range(2)]
    for twin in twins:
        twin.build((None, 3))
    np.testing.assert_array_equal(twins[0].kernel, twins[1].kernel)
    np.testing.assert_array_equal(twins[0].kernel, given((3, 4)))


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "shape", "message"),
    [
        ("ab,bc", 4, None, (2, 3), "Invalid einsum equation"),
        ("ab,bc->", 4, None, (2, 3), "Invalid einsum equation"),
        ("...x,xy->y", 4, None, (2, 3), "Invalid einsum equation"),
        ("...x...,xy->...y...", 4, None, (2, 3), "Invalid einsum equation"),
        ("a...,bc->ac...", 4, None, (2, 3), "Invalid einsum equation"),
        ("ab,bc->ac", 4, None, (2, 3, 5), "2 axes"),
        ("ab,bc->ac", (4, 5), None, (2, 3), "one size each"),
        ("abc,cd->abd", (6, 4), None, (2, 5, 3), "do not match at shared dimension 'b'"),
        ("ab,bc->ad", 4, None, (2, 3), "neither in the input"),
        ("ab,bcd->ac", 4, None, (2, 3), "Weight dimension 'd'"),
        ("ab,bc->ac", 4, "d", (2, 3), "Bias dimension 'd'"),
    ],
)
def test_equations_that_make_no_sense(equation, output_shape, bias_axes, shape, message):
    layer = layers.EinsumDense(equation, output_shape, bias_axes=bias_axes)
    with pytest.raises(ValueError, match=message):
        layer.build(shape)


@pytest.mark.parametrize(
    "argument", ["lora_rank", "lora_alpha", "gptq_unpacked_column_size", "quantization_config"]
)
def test_refused_arguments(argument):
    with pytest.raises(NotImplementedError, match=argument):
        layers.EinsumDense("ab,bc->ac", 4, **{argument: 4})
    with pytest.raises(AttributeError, match="build the layer"):
        _ = layers.EinsumDense("ab,bc->ac", 4).kernel
