"""Functions of `ops` on small arrays: values, and gradients of a weighted sum of the results.

`CALLS[name]` is a function of `k.ops` and of tensors, and the arrays it is called on. The name is
that of the function of `ops`, perhaps with a variant after a colon. `test_calls.py` checks the same
calls against double precision.
"""

import numpy as np

_RNG = np.random.default_rng(20250101)


def _random(*shape, low=-2.0, high=2.0):
    return _RNG.uniform(low, high, shape).astype("float32")


X = _random(3, 4)  # any numbers
Y = _random(3, 4)
U = _random(3, 4, low=-0.95, high=0.95)
P = _random(3, 4, low=0.2, high=3.0)
V = _random(5)
V3 = _random(6, 3)
W3 = _random(6, 3)
T = _random(2, 3, 4)
M = (_random(4, 4) + 3.0 * np.eye(4)).astype("float32")
BATCH = (_random(2, 3, 3) + 2.0 * np.eye(3)).astype("float32")
SPD = (BATCH @ BATCH.transpose(0, 2, 1) + np.eye(3)).astype("float32")
TALL = _random(5, 3)
WIDE = _random(2, 3, 5)
HOLES = X.copy()
HOLES[0, 1] = HOLES[2, 1] = HOLES[2, 3] = np.nan
ROW_OF_HOLES = HOLES.copy()
ROW_OF_HOLES[1] = np.nan
I = np.array([[-7, 12, 0], [18, -5, 30]], "int32")  # noqa: E741
J = np.array([[3, 8, 6], [-12, 5, 0]], "int32")
SHIFTS = np.array([[0, 3, 1], [2, 31, 4]], "int32")
LABELS = np.array([[1, 3], [0, 2], [3, 3]], "int32")
TARGETS = np.array([2, 0, 3], "int32")
EDGES = np.array([-1.5, -0.5, 0.25, 1.0], "float32")
GAMMA, BETA = _random(4, low=0.5, high=1.5), _random(4)
VARIANCE = _random(4, low=0.3, high=2.0)

CALLS = {
    # inverse functions
    "arcsin": (lambda o, x: o.arcsin(x), U),
    "arccos": (lambda o, x: o.arccos(x), U),
    "arctan": (lambda o, x: o.arctan(x), X),
    "arctan:far": (lambda o, x: o.arctan(x * 5.0), X),
    "arctan2": (lambda o, x, y: o.arctan2(x, y), X, Y),
    "arctan2:row": (lambda o, x, y: o.arctan2(x, y), X, Y[:1]),
    "arcsinh": (lambda o, x: o.arcsinh(x), X),
    "arccosh": (lambda o, x: o.arccosh(x + 1.0), P),
    "arctanh": (lambda o, x: o.arctanh(x), U),
    "cbrt": (lambda o, x: o.cbrt(x), X),
    "erfinv": (lambda o, x: o.erfinv(x), U),
    "signbit": (lambda o, x: o.signbit(x), X),
    # elementwise
    "angle": (lambda o, x: o.angle(x), X),
    "conj": (lambda o, x: o.conj(x), X),
    "conjugate": (lambda o, x: o.conjugate(x), X),
    "real": (lambda o, x: o.real(x), X),
    "imag": (lambda o, x: o.imag(x), X),
    "isreal": (lambda o, x: o.isreal(x), X),
    "fabs": (lambda o, x: o.fabs(x), X),
    "allclose": (lambda o, x: o.allclose(x, x + 1e-7), X),
    "allclose:not": (lambda o, x: o.allclose(x, x + 1e-2), X),
    "fmax": (lambda o, x, y: o.fmax(x, y), X, Y),
    "fmin": (lambda o, x, y: o.fmin(x, y), X, Y[0]),
    "fmax:nan": (lambda o, x: o.fmax(x, np.array(HOLES)), Y),
    "fmod": (lambda o, x, y: o.fmod(x, y), X, P),
    "fmod:integers": (lambda o, x, y: o.fmod(x, y), I, np.abs(J) + 1),
    "heaviside": (lambda o, x: o.heaviside(x, 0.5), np.array([-1.0, 0.0, 2.0], "float32")),
    "ldexp": (lambda o, x: o.ldexp(x, np.array([[1, -3, 0, 7]], "int32")), X),
    "logaddexp2": (lambda o, x, y: o.logaddexp2(x, y), X, Y),
    "sinc": (lambda o, x: o.sinc(x), X),
    "i0": (lambda o, x: o.i0(x), X),
    "i0:far": (lambda o, x: o.i0(x + 4.0), P),
    "gcd": (lambda o, x, y: o.gcd(x, y), I, J),
    "lcm": (lambda o, x, y: o.lcm(x, y), I, J),
    "bitwise_and": (lambda o, x, y: o.bitwise_and(x, y), I, J),
    "bitwise_or": (lambda o, x, y: o.bitwise_or(x, y), I, J),
    "bitwise_xor": (lambda o, x, y: o.bitwise_xor(x, y), I, J),
    "bitwise_not": (lambda o, x: o.bitwise_not(x), I),
    "bitwise_invert": (lambda o, x: o.bitwise_invert(x), J),
    "left_shift": (lambda o, x, y: o.left_shift(x, y), I, SHIFTS),
    "bitwise_left_shift": (lambda o, x, y: o.bitwise_left_shift(x, y), I, SHIFTS),
    "right_shift": (lambda o, x, y: o.right_shift(x, y), I, SHIFTS),
    "bitwise_right_shift": (lambda o, x, y: o.bitwise_right_shift(x, y), I, SHIFTS),
    "saturate_cast": (lambda o, x: o.saturate_cast(x, "int32"), X * 3.0),
    "view": (lambda o, x: o.view(x, "float32"), X),
    # windows and grids
    "bartlett": (lambda o: o.bartlett(7),),
    "blackman": (lambda o: o.blackman(7),),
    "hamming": (lambda o: o.hamming(8),),
    "hanning": (lambda o: o.hanning(8),),
    "kaiser": (lambda o: o.kaiser(8, 5.0),),
    "logspace": (lambda o: o.logspace(0.0, 2.0, 5),),
    "logspace:base": (lambda o: o.logspace(0.0, 3.0, 5, endpoint=False, base=2.0),),
    "geomspace": (lambda o: o.geomspace(1.0, 64.0, 7),),
    # arrangement
    "append": (lambda o, x, y: o.append(x, y), X, Y),
    "append:axis": (lambda o, x, y: o.append(x, y, axis=1), X, Y),
    "array_split": (lambda o, x: o.array_split(x, 3, axis=1), X),
    "hsplit": (lambda o, x: o.hsplit(x, 2), X),
    "vsplit": (lambda o, x: o.vsplit(x, [1]), X),
    "dsplit": (lambda o, x: o.dsplit(x, 2), T),
    "dstack": (lambda o, x, y: o.dstack([x, y]), X, Y),
    "dstack:vectors": (lambda o, x: o.dstack([x, x]), V),
    "diag": (lambda o, x: o.diag(x), V),
    "diag:above": (lambda o, x: o.diag(x, k=2), V),
    "diag:below": (lambda o, x: o.diag(x, k=-1), V),
    "diag:of": (lambda o, x: o.diag(x, k=-1), X),
    "diagflat": (lambda o, x: o.diagflat(x, k=1), X),
    "diagonal": (lambda o, x: o.diagonal(x, offset=1), X),
    "diagonal:below": (lambda o, x: o.diagonal(x, offset=-1, axis1=1, axis2=2), T),
    "diagonal:axes": (lambda o, x: o.diagonal(x, axis1=2, axis2=0), T),
    "trace": (lambda o, x: o.trace(x), X),
    "trace:axes": (lambda o, x: o.trace(x, offset=1, axis1=1, axis2=2), T),
    "repeat:counts": (lambda o, x: o.repeat(x, np.array([2, 0, 3]), axis=0), X),
    "repeat:flat": (lambda o, x: o.repeat(x, 2), X),
    "pad:reflect": (lambda o, x: o.pad(x, [[1, 2], [2, 1]], mode="reflect"), X),
    "pad:symmetric": (lambda o, x: o.pad(x, ((1, 0), (0, 3)), mode="symmetric"), X),
    "rot90": (lambda o, x: o.rot90(x), X),
    "rot90:twice": (lambda o, x: o.rot90(x, k=2, axes=(1, 2)), T),
    "rot90:thrice": (lambda o, x: o.rot90(x, k=3), X),
    "kron": (lambda o, x, y: o.kron(x, y), X, Y[:2, :2]),
    "kron:ranks": (lambda o, x, y: o.kron(x, y), V, T),
    "cross": (lambda o, x, y: o.cross(x, y), V3, W3),
    "cross:flat": (lambda o, x, y: o.cross(x, y), V3[:, :2], W3[:, :2]),
    "cross:mixed": (lambda o, x, y: o.cross(x, y), V3[:, :2], W3),
    "cross:axis": (lambda o, x, y: o.cross(x, y, axis=0), V3[:3], W3[:3]),
    "vander": (lambda o, x: o.vander(x), V),
    "vander:increasing": (lambda o, x: o.vander(x, N=3, increasing=True), V),
    "select": (lambda o, x, y: o.select([x > 1.0, y > 0.0], [x, y * 2.0], 0.5), X, Y),
    "slice": (lambda o, x: o.slice(x, [1, 1], [2, 2]), X),
    "slice:rest": (lambda o, x: o.slice(x, [1, 0], [-1, 2]), X),
    "slice:tensor": (lambda o, x, i: o.slice(x, i, [2, 2]), X, np.array([1, 2], "int32")),
    "slice:moved": (lambda o, x, i: o.slice(x, i, [2, 2]), X, np.array([2, -3], "int32")),
    "slice_update": (lambda o, x, y: o.slice_update(x, [1, 1], y), X, Y[:2, :2]),
    "slice_update:tensor": (
        lambda o, x, i, y: o.slice_update(x, i, y),
        X,
        np.array([2, 1], "int32"),
        Y[:2, :2],
    ),
    "unravel_index": (lambda o, i: o.unravel_index(i, (3, 4)), np.array([0, 5, 11], "int32")),
    "rearrange": (lambda o, x: o.rearrange(x, "a b c -> c (a b)"), T),
    "rearrange:split": (lambda o, x: o.rearrange(x, "a b (c d) -> (a d) b c", d=2), T),
    # NaN
    "nansum": (lambda o, x: o.nansum(x, axis=0), HOLES),
    "nansum:all": (lambda o, x: o.nansum(x), HOLES),
    "nanprod": (lambda o, x: o.nanprod(x, axis=1), HOLES),
    "nanmean": (lambda o, x: o.nanmean(x, axis=1, keepdims=True), HOLES),
    "nanvar": (lambda o, x: o.nanvar(x, axis=1), HOLES),
    "nanstd": (lambda o, x: o.nanstd(x), HOLES),
    "nanmax": (lambda o, x: o.nanmax(x, axis=0), HOLES),
    "nanmin": (lambda o, x: o.nanmin(x, axis=1, keepdims=True), HOLES),
    "nanmax:none": (lambda o, x: o.nanmax(x + 0.0, axis=1) * 1.0, HOLES[:1]),
    "nanargmax": (lambda o, x: o.nanargmax(x, axis=1), ROW_OF_HOLES),
    "nanargmin": (lambda o, x: o.nanargmin(x, axis=0, keepdims=True), HOLES),
    # counting
    "bincount": (lambda o, x: o.bincount(x), np.array([1, 2, 2, 5], "int32")),
    "bincount:rows": (lambda o, x: o.bincount(x, minlength=5), LABELS),
    "bincount:weights": (
        lambda o, w: o.bincount(np.array([1, 2, 2, 5, 0], "int32"), weights=w),
        V,
    ),
    "searchsorted": (lambda o, x: o.searchsorted(np.array(EDGES), x), X[0]),
    "searchsorted:right": (
        lambda o, x: o.searchsorted(np.array([1, 3, 3, 5], "int32"), x, side="right"),
        np.array([0, 3, 5, 9], "int32"),
    ),
    "digitize": (lambda o, x: o.digitize(x, np.array(EDGES)), X),
    "histogram": (lambda o, x: o.histogram(x, bins=4), V),
    "histogram:range": (lambda o, x: o.histogram(x, bins=3, range=(-1.0, 1.0)), V),
    "isin": (lambda o, x: o.isin(x, np.array([12, 30, 7], "int32")), I),
    "isin:not": (lambda o, x: o.isin(x, np.array([12, 30, 7], "int32"), invert=True), I),
    "in_top_k": (lambda o, t, p: o.in_top_k(t, p, 2), TARGETS, X),
    "ptp": (lambda o, x: o.ptp(x, axis=1), X),
    "trapezoid": (lambda o, x: o.trapezoid(x, dx=0.5), X),
    "trapezoid:points": (lambda o, x, p: o.trapezoid(x, x=p, axis=1), X, P[0]),
    "cdist": (lambda o, x, y: o.cdist(x, y), X, Y[:2]),
    "cdist:batch": (lambda o, x, y: o.cdist(x, y), T, T[:1, :2] + 1.0),
    "corrcoef": (lambda o, x: o.corrcoef(x), X),
    "correlate": (lambda o, x, y: o.correlate(x, y), V, Y[0, :3]),
    "correlate:same": (lambda o, x, y: o.correlate(x, y, mode="same"), V, Y[0]),
    "correlate:full": (lambda o, x, y: o.correlate(x, y, mode="full"), Y[0, :3], V),
    # normalisation
    "batch_normalization": (
        lambda o, x, m, v: o.batch_normalization(x, m, v, axis=-1),
        X,
        BETA,
        VARIANCE,
    ),
    "batch_normalization:affine": (
        lambda o, x, m, v, b, g: o.batch_normalization(
            x, m, v, axis=2, offset=b, scale=g, epsilon=0.1
        ),
        T,
        BETA,
        VARIANCE,
        BETA[::-1].copy(),
        GAMMA,
    ),
    "layer_normalization": (lambda o, x: o.layer_normalization(x), X),
    "layer_normalization:affine": (
        lambda o, x, g, b: o.layer_normalization(x, gamma=g, beta=b, epsilon=1e-3),
        T,
        GAMMA,
        BETA,
    ),
    "layer_normalization:axes": (
        lambda o, x, g: o.layer_normalization(x, gamma=g, axis=(1, 2), epsilon=1e-3),
        T,
        _random(3, 4),
    ),
    "rms_normalization": (lambda o, x: o.rms_normalization(x), X),
    "rms_normalization:scale": (
        lambda o, x, g: o.rms_normalization(x, scale=g, axis=-1, epsilon=1e-2),
        T,
        GAMMA,
    ),
    "multi_hot": (lambda o, x: o.multi_hot(x, 5), LABELS),
    "multi_hot:vector": (lambda o, x: o.multi_hot(x, 4, dtype="int32"), TARGETS),
    "psnr": (lambda o, x, y: o.psnr(x, y, 4.0), X, Y),
    "sparse_plus": (lambda o, x: o.sparse_plus(x), X),
    "sparse_sigmoid": (lambda o, x: o.sparse_sigmoid(x), X),
    # linear algebra
    "norm:fro": (lambda o, x: o.norm(x, ord="fro"), X),
    "norm:columns": (lambda o, x: o.norm(x, ord=1, axis=(1, 2)), T),
    "norm:rows": (lambda o, x: o.norm(x, ord=np.inf, axis=(-2, -1), keepdims=True), T),
    "norm:swapped": (lambda o, x: o.norm(x, ord=-1, axis=(2, 0)), T),
    "norm:count": (
        lambda o, x: o.norm(x, ord=0, axis=1),
        np.array([[1.0, 0.0], [2.0, 3.0]], "float32"),
    ),
    "det": (lambda o, x: o.det(x), M),
    "det:batch": (lambda o, x: o.det(x), BATCH),
    "slogdet": (lambda o, x: o.slogdet(x), BATCH),
    "logdet": (lambda o, x: o.logdet(x), BATCH),
    "inv": (lambda o, x: o.inv(x), M),
    "inv:batch": (lambda o, x: o.inv(x), BATCH),
    "solve": (lambda o, a, b: o.solve(a, b), M, X.T.copy()),
    "solve:vector": (lambda o, a, b: o.solve(a, b), M, V[:4]),
    "solve:pivots": (
        lambda o, a, b: o.solve(a, b),
        np.array([[0.0, 2.0, 1.0], [1.0, 1.0, -1.0], [3.0, 0.5, 0.0]], "float32"),
        V[:3],
    ),
    "solve_triangular": (lambda o, a, b: o.solve_triangular(a, b), np.triu(BATCH), WIDE),
    "solve_triangular:lower": (
        lambda o, a, b: o.solve_triangular(a, b, lower=True),
        np.tril(M),
        X.T.copy(),
    ),
    "cholesky": (lambda o, x: o.cholesky(x), SPD),
    "cholesky:upper": (lambda o, x: o.cholesky(x, upper=True), SPD[0]),
    "cholesky_inverse": (lambda o, x: o.cholesky_inverse(x), np.tril(M)),
    "lu_factor": (lambda o, x: o.lu_factor(x), BATCH),
    "qr": (lambda o, x: o.qr(x), TALL),
    "qr:square": (lambda o, x: o.qr(x), BATCH),
    "qr:complete": (lambda o, x: [abs(part) for part in o.qr(np.array(TALL), mode="complete")], V),
    "qr:wide": (lambda o, x: o.qr(np.array(WIDE)), V),
    "jvp": (lambda o, x, t: o.jvp(lambda x: o.tanh(x) * o.sum(x), (x,), (t,)), X, Y),
    # order
    "median": (lambda o, x: o.median(x, axis=1), T),
    "median:all": (lambda o, x: o.median(x, keepdims=True), X),
    "nanmedian": (lambda o, x: o.nanmedian(x, axis=1), HOLES),
    "quantile": (lambda o, x: o.quantile(x, np.array([0.1, 0.5, 1.0], "float32"), axis=(0, 2)), T),
    "quantile:lower": (lambda o, x: o.quantile(x, 0.3, axis=1, method="lower", keepdims=True), X),
    "quantile:higher": (lambda o, x: o.quantile(x, 0.3, axis=1, method="higher"), X),
    "quantile:nearest": (lambda o, x: o.quantile(x, 0.3, axis=1, method="nearest"), X),
    "quantile:midpoint": (lambda o, x: o.quantile(x, 0.3, axis=1, method="midpoint"), X),
    "nanquantile": (lambda o, x: o.nanquantile(x, 0.3, axis=1), HOLES),
    "percentile": (lambda o, x: o.percentile(x, 30.0, axis=0), X),
    "nanpercentile": (lambda o, x: o.nanpercentile(x, np.array([20.0, 70.0], "float32")), HOLES),
    # blocks
    "extract_sequences": (lambda o, x: o.extract_sequences(x, 3, 2), _random(2, 8)),
    "depth_to_space": (lambda o, x: o.depth_to_space(x, 2), _random(1, 2, 3, 8)),
    "depth_to_space:first": (
        lambda o, x: o.depth_to_space(x, 2, data_format="channels_first"),
        _random(1, 8, 2, 3),
    ),
    "space_to_depth": (lambda o, x: o.space_to_depth(x, 2), _random(1, 4, 6, 2)),
    "space_to_depth:first": (
        lambda o, x: o.space_to_depth(x, 2, data_format="channels_first"),
        _random(1, 2, 4, 6),
    ),
    "vectorize": (lambda o, x, y: o.vectorize(lambda a, b: a * b + 1.0)(x, y), X, Y[0]),
    "vectorize:signature": (
        lambda o, x, y: o.vectorize(lambda a, b: o.dot(a, b), signature="(m,n),(n)->(m)")(x, y),
        T,
        BETA,
    ),
    # control flow
    "cond": (lambda o, x: o.cond(o.sum(x) > 100.0, lambda: x * 2.0, lambda: x * x), X),
    "switch": (
        lambda o, x: o.switch(1, [lambda x: x, lambda x: o.sin(x), lambda x: x * 3.0], x),
        X,
    ),
    "switch:beyond": (lambda o, x: o.switch(7, [lambda x: x, lambda x: o.sin(x)], x), X),
    "while_loop": (
        lambda o, x: o.while_loop(
            lambda i, x: i < 5, lambda i, x: (i + 1, x * 1.5), (0, x), maximum_iterations=3
        )[1],
        X,
        False,
    ),
    "fori_loop": (lambda o, x: o.fori_loop(0, 3, lambda i, x: o.sin(x) + 1.0, x), X),
    "map": (lambda o, x: o.map(lambda row: o.sum(row * row), x), X),
    "vectorized_map": (
        lambda o, x, y: o.vectorized_map(lambda r: o.dot(r[0], r[1]), (x, y)),
        X,
        Y,
    ),
    "scan": (
        lambda o, x: o.scan(lambda c, r: (c * 0.5 + r, o.sum(c * r)), o.zeros((4,)), x),
        X,
    ),
    "scan:reverse": (
        lambda o, x: o.scan(
            lambda c, r: (o.tanh(c + r), c), o.ones((4,)), x, reverse=True
        ),
        X,
    ),
    "associative_scan": (lambda o, x: o.associative_scan(lambda a, b: a + b, x), _random(7, 2)),
    "associative_scan:axis": (
        lambda o, x: o.associative_scan(lambda a, b: a * b, x, axis=1, reverse=True),
        X,
    ),
}  # fmt: skip


def split_call(name):
    """The function, its arrays, and whether it is differentiated."""
    function, *arrays = CALLS[name]
    differentiable = arrays[-1:] != [False] if arrays and isinstance(arrays[-1], bool) else True
    return function, [a for a in arrays if not isinstance(a, bool)], differentiable


def flatten(result):
    return (
        [part for item in result for part in flatten(item)]
        if isinstance(result, (list, tuple))
        else [result]
    )


def weights_of(shape):
    """What the elements of a result weigh in the sum that is differentiated."""
    return np.cos(np.arange(int(np.prod(shape)), dtype="float32")).reshape(shape)


def _weighted(o, results):
    total = 0.0
    for y in results:
        if "float" in str(y.dtype):
            total = total + o.sum(y * weights_of(tuple(y.shape)))
    return total


def _gradients_of_keras(k, function, arrays, wanted):
    import jax

    def loss(*values):
        given = list(arrays)
        for place, value in zip(wanted, values, strict=True):
            given[place] = value
        return _weighted(k.ops, flatten(function(k.ops, *given)))

    values = [jax.numpy.asarray(arrays[place]) for place in wanted]
    return jax.grad(loss, argnums=tuple(range(len(wanted))))(*values)


def _gradients_of_hotloop(k, function, arrays, wanted):
    with k.graph.Scope(symbolic=False):
        tensors = [k.graph.constant(array) for array in arrays]
        loss = _weighted(k.ops, flatten(function(k.ops, *tensors)))
        return k.graph.gradients(loss, [tensors[place] for place in wanted])


def _run(name):
    function, arrays, differentiable = split_call(name)

    def run(k):
        given = [k.ops.convert_to_tensor(array) for array in arrays]
        results = flatten(function(k.ops, *given))
        found = {f"y{i}": np.array(y) for i, y in enumerate(results)}
        wanted = [i for i, array in enumerate(arrays) if array.dtype == np.float32]
        if differentiable and wanted and any(v.dtype == np.float32 for v in found.values()):
            compute = _gradients_of_hotloop if hasattr(k, "graph") else _gradients_of_keras
            for place, g in zip(wanted, compute(k, function, arrays, wanted), strict=True):
                found[f"g{place}"] = np.array(g)
        return found

    return run


CASES = {name: _run(name) for name in CALLS}
