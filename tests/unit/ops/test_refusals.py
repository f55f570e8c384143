"""What the functions of ops do not take, and what they say."""

import numpy as np
import pytest

from hotloop import ops

X = np.arange(6, dtype=np.float32).reshape(2, 3)
SQUARE = np.eye(3, dtype=np.float32)
I = np.array([1, 2, 3], np.int32)  # noqa: E741

BAD_VALUES = [
    (lambda: ops.array_split(X, 0), "at least 1"),
    (lambda: ops.dsplit(X, 1), "dsplit needs at least 3 axes"),
    (lambda: ops.vsplit(I, 1), "vsplit needs at least 2 axes"),
    (lambda: ops.diag(X[None]), "vector or a matrix"),
    (lambda: ops.diagonal(I), "at least 2 axes"),
    (lambda: ops.diagonal(X, axis1=1, axis2=-1), "must differ"),
    (lambda: ops.rot90(I), "two axes"),
    (lambda: ops.rot90(X, axes=(0, -2)), "must differ"),
    (lambda: ops.cross(X[:, :1], X), "2 or 3 numbers"),
    (lambda: ops.vander(X), "takes a vector"),
    (lambda: ops.vander(I, N=-1), "negative"),
    (lambda: ops.select([], []), "at least one"),
    (lambda: ops.select([True], [1, 2]), "as many choices"),
    (lambda: ops.slice(X, [0], [1, 1]), "one entry for each axis"),
    (lambda: ops.slice(X, [0, 0], [1]), "one size per axis"),
    (lambda: ops.slice(X, [0, 0], [3, 1]), "does not fit"),
    (lambda: ops.slice_update(X, [0, 0], np.ones((3, 3))), "do not fit"),
    (lambda: ops.rearrange(X, "a b"), 'one "->"'),
    (lambda: ops.rearrange(X, "a b -> a c"), "same axes"),
    (lambda: ops.rearrange(X, "a (b c) -> a b c"), "do not split"),
    (lambda: ops.rearrange(X, "a b -> b a", c=2), "does not fit"),
    (lambda: ops.rearrange(X, "a b! -> a b!"), "Cannot read"),
    (lambda: ops.bincount(X.astype(int)[None]), "vector or a matrix"),
    (lambda: ops.bincount(I, minlength=-1), "minlength"),
    (lambda: ops.bincount(I, weights=[1.0]), "weights"),
    (lambda: ops.digitize(X, X), "bins must be a vector"),
    (lambda: ops.histogram(X), "x must be a vector"),
    (lambda: ops.histogram(I, bins=0), "at least 1"),
    (lambda: ops.histogram(I, range=(2, 1)), "low <= high"),
    (lambda: ops.cdist(X, X[:, :2]), "rows of one length"),
    (lambda: ops.corrcoef(X[None]), "vector or a matrix"),
    (lambda: ops.correlate(I, I, mode="half"), "mode"),
    (lambda: ops.correlate(I, []), "at least one element"),
    (lambda: ops.multi_hot(I), "num_classes"),
    (lambda: ops.psnr(X, I, 1.0), "one shape"),
    (lambda: ops.quantile(X, 1.5), "from 0 to 1"),
    (lambda: ops.quantile(X, 0.5, method="middle"), "method"),
    (lambda: ops.median(X[:0]), "over nothing"),
    (lambda: ops.inv(X), "square matrices"),
    (lambda: ops.qr(I), "matrices"),
    (lambda: ops.qr(SQUARE, mode="r"), "mode"),
    (lambda: ops.solve(SQUARE, [1.0, 2.0]), "does not fit"),
    (lambda: ops.norm(X, ord="nuclear"), "'fro'"),
    (lambda: ops.norm(X[None], ord=1), "one or two axes"),
    (lambda: ops.norm(I, ord="fro"), "for vectors"),
    (lambda: ops.hanning(-1), "negative"),
    (lambda: ops.kaiser(3, [1.0, 2.0]), "one number"),
    (lambda: ops.extract_sequences(I, 4, 1), "sequence_length"),
    (lambda: ops.depth_to_space(X, 2), "4 axes"),
    (lambda: ops.depth_to_space(np.ones((1, 2, 2, 3)), 2), "do not fill"),
    (lambda: ops.space_to_depth(np.ones((1, 3, 2, 1)), 2), "do not fill"),
    (lambda: ops.space_to_depth(np.ones((1, 2, 2, 1)), 2, "last"), "data_format"),
    (lambda: ops.vectorize(3), "callable"),
    (lambda: ops.vectorize(abs, signature="(a)"), "signature must look like"),
    (lambda: ops.vectorize(ops.dot, signature="(n),(n)->()")(I, I[:2]), "sizes 3 and 2"),
    (lambda: ops.vectorize(ops.sum, signature="(n)->()")(1.0), "lacks axes"),
]
BAD_TYPES = [
    (lambda: ops.gcd(1.5, 2), "integers"),
    (lambda: ops.left_shift(X, 1), "integers"),
    (lambda: ops.ldexp(X, 0.5), "integers"),
    (lambda: ops.unravel_index([0.5], (2,)), "integers"),
    (lambda: ops.bincount([0.5]), "integers"),
    (lambda: ops.histogram(I, bins=2.0), "bins must be an integer"),
    (lambda: ops.hamming(2.5), "integer"),
    (lambda: ops.multi_hot(I, 3, depth=2), "depth"),
]
NOT_THERE = [
    (lambda: ops.view(X, "int32"), "reinterpret"),
    (lambda: ops.multi_hot(I, 3, sparse=True), "sparse"),
    (lambda: ops.bincount(I, sparse=True), "sparse"),
]


@pytest.mark.parametrize(("call", "message"), BAD_VALUES)
def test_value_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(("call", "message"), BAD_TYPES)
def test_type_errors(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(("call", "message"), NOT_THERE)
def test_what_is_not_there(call, message):
    with pytest.raises(NotImplementedError, match=message):
        call()
