"""SciPy's sparse matrices as training data, against the dense arrays."""

import numpy as np
import pytest

import hotloop as keras

sparse = pytest.importorskip("scipy.sparse")

RNG = np.random.default_rng(4)
X = np.where(RNG.random((70, 20)) < 0.2, RNG.random((70, 20)), 0).astype(np.float32)
Y = (X.sum(axis=1) * 2).astype(np.int32) % 3


def make_model():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fitted(x, y=Y, **kwargs):
    model = make_model()
    history = model.fit(x, y, verbose=0, **{"epochs": 3, "batch_size": 16} | kwargs).history
    return history, model.get_weights()[0]


def check(left, right):
    assert left[0] == right[0]
    np.testing.assert_array_equal(left[1], right[1])


KINDS = ["csr_matrix", "csc_matrix", "coo_matrix", "csr_array", "lil_matrix", "dok_matrix"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_fit_on_a_sparse_matrix(kind, shuffle):
    check(
        fitted(getattr(sparse, kind)(X), shuffle=shuffle),
        fitted(X, shuffle=shuffle),
    )


def test_weights_validation_and_steps():
    x = sparse.csr_matrix(X)
    arguments = {"sample_weight": RNG.random(70), "validation_split": 0.3, "class_weight": {1: 2.0}}
    check(fitted(x, **arguments), fitted(X, **arguments))
    check(fitted(x, validation_data=(x, Y)), fitted(X, validation_data=(X, Y)))
    check(fitted(x, steps_per_epoch=2, epochs=2), fitted(X, steps_per_epoch=2, epochs=2))
    check(
        fitted(x, steps_per_epoch=7, batch_size=None), fitted(X, steps_per_epoch=7, batch_size=None)
    )


def test_evaluate_and_predict():
    model, x = make_model(), sparse.csc_matrix(X)
    assert model.evaluate(x, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(X, verbose=0))
    assert model.predict(x, batch_size=9, steps=2, verbose=0).shape == (18, 3)
    assert model.train_on_batch(x, Y) == make_model().train_on_batch(X, Y)
    batches = ((x.tocsr()[i : i + 10], Y[i : i + 10]) for i in range(0, 70, 10))
    expected = model.evaluate(X, Y, batch_size=10, verbose=0)
    np.testing.assert_allclose(model.evaluate(batches, verbose=0), expected, rtol=1e-6)


def test_sparse_targets_and_mixed_inputs():
    y = sparse.csr_matrix(np.eye(3)[Y])
    inputs = [keras.Input((20,)), keras.Input((2,))]
    outputs = keras.layers.Dense(3)(keras.layers.Concatenate()(inputs))
    extra = RNG.random((70, 2))
    results = []
    for x in ([sparse.csr_matrix(X), extra], [X, extra]):
        keras.utils.set_random_seed(3)
        model = keras.Model(inputs, outputs)
        model.set_weights([np.ones(w.shape) for w in model.get_weights()])
        model.compile("sgd", "mse")
        target = y if sparse.issparse(x[0]) else y.toarray()
        results.append(model.fit(x, target, batch_size=16, verbose=0).history)
    assert results[0] == results[1]


def test_rows_become_dense_a_few_batches_at_a_time(monkeypatch):
    sizes = []
    whole = sparse.csr_matrix.toarray

    def toarray(self, *args, **kwargs):
        sizes.append(self.shape[0])
        return whole(self, *args, **kwargs)

    monkeypatch.setattr("hotloop.training.sources._CHUNK_BYTES", 4 * 21 * 32)
    monkeypatch.setattr(sparse.csr_matrix, "toarray", toarray)
    check(fitted(sparse.csr_matrix(X), epochs=1), fitted(X, epochs=1))
    assert sizes == [32, 32, 32, 6]  # the first one was looked at before training


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"cardinality.*`x` has .70.*`y` has .69"):
        fitted(sparse.csr_matrix(X), Y[:-1])
    with pytest.raises(ValueError, match=r"`x` is a sparse array of .*complex"):
        fitted(sparse.csr_matrix(X.astype(complex)))
    with pytest.raises(ValueError, match="`x` is empty"):
        fitted(sparse.csr_matrix(X[:0]), Y[:0])
    with pytest.raises(ValueError, match="too few"):
        fitted(sparse.csr_matrix(X[:1]), Y[:1], validation_split=0.5)
    with pytest.raises(ValueError, match=r"input 'input' expects|has shape"):
        fitted(sparse.csr_matrix(X[:, :5]))


@pytest.mark.parametrize("kind", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
@pytest.mark.parametrize("family", ["matrix", "array"])
def test_batches_of_every_format(kind, family):
    # One of them is a dictionary, too.
    x = getattr(sparse, f"{kind}_{family}")(X)
    model, other = make_model(), make_model()
    assert model.train_on_batch(x, Y) == other.train_on_batch(X, Y)
    assert model.train_on_batch([x], Y) == other.train_on_batch([X], Y)
    by_name = {model.input_names[0]: x}
    assert model.train_on_batch(by_name, Y) == other.train_on_batch(X, Y)
    assert model.test_on_batch(x, Y) == other.test_on_batch(X, Y)
    np.testing.assert_array_equal(model.predict_on_batch(x), other.predict_on_batch(X))
    check(
        (model.fit(iter([(x, Y)] * 2), verbose=0).history, model.get_weights()[0]),
        (other.fit(iter([(X, Y)] * 2), verbose=0).history, other.get_weights()[0]),
    )
