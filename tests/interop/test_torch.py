"""PyTorch's tensors and DataLoaders as training data. Skipped where PyTorch is missing."""

import numpy as np
import pytest

import hotloop as keras

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(2)
X = RNG.random((50, 6), dtype=np.float32)
Y = (X[:, 0] * 3).astype(np.int64)


def make_model():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fitted(x, y=None, **kwargs):
    model = make_model()
    history = model.fit(x, y, epochs=2, shuffle=False, verbose=0, **kwargs).history
    return history, model.get_weights()[0]


def check(left, right):
    assert left[0] == right[0]
    np.testing.assert_array_equal(left[1], right[1])


class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return len(X)

    def __getitem__(self, index):
        return X[index], Y[index]


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(zip(X, Y, strict=True))


def test_tensors():
    x, y = torch.tensor(X), torch.tensor(Y)
    check(fitted(x, y, batch_size=16), fitted(X, Y, batch_size=16))
    check(fitted(x.requires_grad_(), y, batch_size=16), fitted(X, Y, batch_size=16))
    model = make_model()
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(
        model.predict(x.detach().t().contiguous().t(), verbose=0), expected
    )
    half = x.detach().to(torch.bfloat16)
    np.testing.assert_array_equal(
        model.predict(half, verbose=0), model.predict(half.float().numpy(), verbose=0)
    )
    np.testing.assert_array_equal(model.predict(x.detach().to_sparse(), verbose=0), expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_data_loaders(workers):
    loader = torch.utils.data.DataLoader(Rows(), batch_size=16, num_workers=workers)
    check(fitted(loader), fitted(X, Y, batch_size=16))
    check(
        fitted(loader, validation_data=loader), fitted(X, Y, batch_size=16, validation_data=(X, Y))
    )
    model = make_model()
    assert model.evaluate(loader, verbose=0) == model.evaluate(X, Y, batch_size=16, verbose=0)
    np.testing.assert_array_equal(
        model.predict(loader, verbose=0), model.predict(X, batch_size=16, verbose=0)
    )


def test_a_loader_without_a_length():
    loader = torch.utils.data.DataLoader(Stream(), batch_size=16)
    check(fitted(loader), fitted(X, Y, batch_size=16))


def test_a_loader_of_tensors_with_class_weights():
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    loader = torch.utils.data.DataLoader(data, batch_size=16, drop_last=True)
    check(
        fitted(loader, class_weight={0: 3.0}),
        fitted(X[:48], Y[:48], batch_size=16, class_weight={0: 3.0}),
    )
