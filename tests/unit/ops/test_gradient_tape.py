"""GradientTape and gradients, outside of training steps."""

import numpy as np
import pytest

import hotloop as keras
from hotloop import ops

X = np.array([[1.0, -2.0], [0.5, 3.0]], "float32")


def test_a_training_loop_from_scratch():
    """As in Keras's guide: loop, tape, optimizer; against the gradient by hand."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    y = np.array([[1.0], [2.0]], "float32")
    kernel, bias = (w.astype("float64") for w in model.get_weights())
    optimizer = keras.optimizers.SGD(0.1)
    loss_fn = keras.losses.MeanSquaredError()
    for _ in range(3):
        with keras.GradientTape() as tape:
            loss = loss_fn(y, model(X, training=True))
        grads = tape.gradient(loss, model.trainable_weights)
        optimizer.apply(grads, model.trainable_weights)
        error = X @ kernel + bias - y
        kernel, bias = kernel - 0.1 * X.T @ error, bias - 0.1 * error.sum(0)
    np.testing.assert_allclose(model.get_weights()[0], kernel, rtol=1e-5)
    np.testing.assert_allclose(model.get_weights()[1], bias, rtol=1e-5)


def test_structures_and_tensors():
    a, b = keras.Variable([1.0, 2.0]), keras.Variable([3.0, 4.0])
    x = ops.convert_to_tensor([5.0, 6.0])
    with keras.GradientTape(persistent=True) as tape:
        tape.watch(x)
        value = ops.sum(a * b * x)
    grads = tape.gradient(value, {"a": a, "rest": [b, x]})
    np.testing.assert_allclose(grads["a"], [15, 24])
    np.testing.assert_allclose(grads["rest"][0], [5, 12])
    np.testing.assert_allclose(grads["rest"][1], [3, 8])
    np.testing.assert_allclose(tape.gradient([value, value], a), [30, 48])
    weighted = tape.gradient(value, a, output_gradients=ops.convert_to_tensor(2.0))
    np.testing.assert_allclose(weighted, [30, 48])


def test_what_is_not_connected():
    a, b = keras.Variable([1.0]), keras.Variable([2.0])
    with keras.GradientTape(persistent=True) as tape:
        value = ops.sum(a * 2.0)
        unused = ops.sum(b)
    assert tape.gradient(value, [a, b])[1] is None
    zero = tape.gradient(value, [a, b], unconnected_gradients="zero")[1]
    np.testing.assert_array_equal(zero, [0.0])
    np.testing.assert_array_equal(tape.gradient(unused, b), [1.0])
    with pytest.raises(ValueError, match="unconnected_gradients"):
        tape.gradient(value, a, unconnected_gradients="nan")


def test_only_what_is_watched():
    a, b = keras.Variable([1.0]), keras.Variable([2.0])
    with keras.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([a])
        value = ops.sum(a * b)
    first, second = tape.gradient(value, [a, b])
    np.testing.assert_array_equal(first, [2.0])
    assert second is None


def test_assignments_in_a_block():
    """They happen when it ends; the gradient is that at the value before."""
    a = keras.Variable([3.0])
    with keras.GradientTape() as tape:
        value = ops.sum(a * a)
        a.assign(a + 1.0)
    np.testing.assert_array_equal(a.numpy(), [4.0])
    np.testing.assert_array_equal(tape.gradient(value, a), [6.0])


def test_a_block_that_fails_assigns_nothing():
    a = keras.Variable([4.0])

    def fail():
        with keras.GradientTape():
            a.assign(a + 1.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    np.testing.assert_array_equal(a.numpy(), [4.0])


def test_gradients_of_gradients():
    a = keras.Variable([3.0])
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            value = ops.sum(a * a * a)
        slope = inner.gradient(value, a)
    np.testing.assert_array_equal(slope, [27.0])
    np.testing.assert_array_equal(outer.gradient(slope, a), [18.0])


def test_misuse():
    a = keras.Variable([3.0])
    with pytest.raises(RuntimeError, match="recorded nothing"):
        keras.GradientTape().gradient(a, a)
    with keras.GradientTape() as tape:
        value = ops.sum(a)
    with pytest.raises(RuntimeError, match="entered once"), tape:
        pass
    tape.gradient(value, a)
    with pytest.raises(RuntimeError, match="non-persistent"):
        tape.gradient(value, a)
    with pytest.raises(RuntimeError, match="outside of a training step"):
        keras.gradients(value, [a])
    with pytest.raises(ValueError, match="empty"), keras.GradientTape() as tape:
        tape.gradient([], a)
