"""Choosing, scattering, sorting, running sums, stacks of products: values and trained models."""

import numpy as np

RNG = np.random.RandomState(20240817)


def normal(*shape, scale=1.0):
    return RNG.normal(scale=scale, size=shape).astype("float32")


def whole(low, high, *shape):
    return RNG.randint(low, high, shape).astype("int32")


NUMBERS, COUNTS = normal(3, 4, 5), whole(-4, 5, 6, 7)
SPECIAL = np.array([np.nan, 1, -0.0, 0.0, np.inf, -np.nan, -np.inf, 1], "float32")
ZEROS = np.array([[1.5, 0, 2, 3], [0, 2, 0, 1], [-1, 2, 0.5, 2]], "float32")
PLACES = whole(-5, 6, 2, 3)
IDS = np.array([0, 3, 3, -1, 5, 0], "int32")
VECTORS = np.array([[0, 1], [2, -1], [0, 1], [5, 0], [-1, 3]], "int32")

# name -> function of the module `ops`
VALUES = {
    "take": lambda o: o.take(NUMBERS, PLACES, axis=1),
    "take_flat": lambda o: o.take(NUMBERS, [[7, -60, 59], [60, -61, -1]]),
    "take_counts": lambda o: o.take(COUNTS, [6, -7, 2], axis=-1),
    "take_along_axis": lambda o: o.take_along_axis(NUMBERS, PLACES[:, :, None][:1], axis=1),
    "take_along_last": lambda o: o.take_along_axis(COUNTS, o.argsort(COUNTS), axis=-1),
    "segment_sum": lambda o: o.segment_sum(COUNTS, IDS, num_segments=4),
    "segment_max": lambda o: o.segment_max(o.cast(COUNTS, "float32"), IDS, num_segments=4),
    "segment_min": lambda o: o.segment_min(COUNTS[:, 0], IDS, num_segments=4),
    "segment_prod": lambda o: o.segment_prod(COUNTS, IDS, num_segments=4),
    "scatter": lambda o: o.scatter(VECTORS, NUMBERS[0].T, (3, 4, 4)),
    **{
        f"scatter_update_{how}": lambda o, how=how: o.scatter_update(
            NUMBERS, VECTORS, NUMBERS[1, 1][:, None] * NUMBERS[2, 2], reduction=how
        )
        for how in (None, "add", "mul", "max", "min")
    },
    "argsort": lambda o: o.argsort(NUMBERS, axis=1),
    "argsort_counts": lambda o: o.argsort(COUNTS, axis=0),
    "argsort_special": lambda o: o.argsort(SPECIAL),
    "argsort_flat": lambda o: o.argsort(COUNTS, axis=None),
    "sort": lambda o: o.sort(NUMBERS, axis=0),
    "sort_special": lambda o: o.sort(SPECIAL),
    "top_k": lambda o: o.top_k(NUMBERS, 3)[0],
    "top_k_places": lambda o: o.top_k(COUNTS, 4)[1],
    "in_top_k": lambda o: o.in_top_k(IDS[:3], NUMBERS[:, 0], 2),
    "searchsorted": lambda o: o.searchsorted(np.sort(COUNTS[0]), COUNTS),
    "searchsorted_right": lambda o: o.searchsorted(
        np.sort(SPECIAL), np.array([0, np.nan, 2], "float32"), side="right"
    ),
    "cumsum": lambda o: o.cumsum(NUMBERS, axis=1),
    "cumsum_flat": lambda o: o.cumsum(COUNTS),
    "cumprod": lambda o: o.cumprod(NUMBERS, axis=-1),
    "nancumsum": lambda o: o.nancumsum(SPECIAL[:4]),
    "nancumprod": lambda o: o.nancumprod(SPECIAL[:4]),
    "matmul": lambda o: o.matmul(NUMBERS, o.swapaxes(NUMBERS[:1], 1, 2)),
    "matmul_vector": lambda o: o.matmul(NUMBERS[0, 0, :4], NUMBERS),
    "matmul_counts": lambda o: o.matmul(COUNTS, o.reshape(COUNTS, (2, 7, 3))),
    **{
        f"einsum_{text}": lambda o, text=text: o.einsum(
            text, *[NUMBERS[:, :4, :4]] * (1 + text.count(","))
        )
        for text in (
            "abc,acd->abd", "abc,adc->bda", "abc,dbe->ce", "abb->ab", "abc->b", "...a,...b->...ab",
            "abc,abc->", "abc,abd,acd->bd", "abc,dbc->abd",
        )
    },
    "dot": lambda o: o.dot(NUMBERS, o.transpose(NUMBERS, (0, 2, 1))),
    "tensordot": lambda o: o.tensordot(NUMBERS, NUMBERS, axes=[[0, 2], [0, 2]]),
    "inner": lambda o: o.inner(NUMBERS[0], NUMBERS[1]),
}  # fmt: skip

IDS_IN, ROWS_IN = whole(0, 12, 24, 6), normal(24, 5)
LABELS = whole(0, 3, 24)
WEIGHTS = [normal(12, 4, scale=0.5), normal(5, 4, scale=0.5), normal(4, 3, scale=0.5)]


def embedding(o, table, kernel, ids, rows):
    """A sum of chosen rows; two of the ids are the same in many samples."""
    return o.sum(o.take(table, ids, axis=0), axis=1)


def tied(o, table, kernel, ids, rows):
    """The table is chosen from and multiplied with, as it is and transposed."""
    hidden = o.sum(o.take(table, ids, axis=0), axis=1)
    scores = o.softmax(o.matmul(hidden, o.transpose(table)))
    return o.matmul(scores, table)


def attention(o, table, kernel, ids, rows):
    """Two heads over the six ids of a sample."""
    x = o.reshape(o.take(table, ids, axis=0), (-1, 6, 2, 2))
    scores = o.softmax(o.einsum("bqhd,bkhd->bhqk", x, x))
    return o.mean(o.reshape(o.einsum("bhqk,bkhd->bqhd", scores, x), (-1, 6, 4)), axis=1)


def stacks(o, table, kernel, ids, rows):
    """A product of two matrices for each sample."""
    x = o.take(table, ids, axis=0)
    gram = o.matmul(o.transpose(x, (0, 2, 1)), x)
    return o.reshape(o.matmul(gram, o.expand_dims(o.matmul(rows, kernel), -1)), (-1, 4))


def ordered(o, table, kernel, ids, rows):
    """Sorted features, and the two largest."""
    x = o.matmul(o.sort(rows, axis=-1), kernel)
    largest = o.top_k(o.matmul(rows, kernel), 2)[0]
    return o.sort(x, axis=-1) + o.concatenate([largest, largest], axis=-1)


def running(o, table, kernel, ids, rows):
    """Running sums and products."""
    x = o.matmul(rows, kernel)
    return o.cumsum(x, axis=-1) + o.cumprod(x, axis=-1) + o.flip(o.cumsum(o.flip(x, 1), axis=1), 1)


def segments(o, table, kernel, ids, rows):
    """Largest and summed rows of the table by class."""
    groups = np.arange(12, dtype="int32") % 4
    best = o.segment_max(table, groups, num_segments=4)
    total = o.scatter(groups[:, None], table, (4, 4))
    return o.matmul(o.matmul(rows, kernel), best + total)


def values(name):
    def run(k):
        return {"value": np.asarray(VALUES[name](k.ops), "float32")}

    return run


def train(function):
    def run(k):
        class Custom(k.layers.Layer):
            def build(self, *shapes):
                self.table = self.add_weight(shape=(12, 4), name="table")
                self.kernel = self.add_weight(shape=(5, 4), name="kernel")
                self.built = True

            def call(self, ids, rows):
                return function(k.ops, self.table, self.kernel, ids, rows)

            def compute_output_shape(self, *shapes):
                return (None, 4)

        ids, rows = k.Input((6,), dtype="int32"), k.Input((5,))
        layer = Custom()
        model = k.Model([ids, rows], k.layers.Dense(3, use_bias=False)(layer(ids, rows)))
        model.set_weights(WEIGHTS)
        loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(k.optimizers.Adam(0.02), loss, metrics=["accuracy"])
        history = model.fit(
            [IDS_IN, ROWS_IN], LABELS, batch_size=10, epochs=3, shuffle=False, verbose=0
        )
        found = {f"history/{key}": value for key, value in history.history.items()}
        found["predict"] = model.predict([IDS_IN, ROWS_IN], verbose=0)
        for i, weight in enumerate(model.get_weights()):
            found[f"weight/{i}"] = weight
        return found

    return run


FUNCTIONS = [embedding, tied, attention, stacks, ordered, running, segments]
CASES = {
    **{f"value_{name}": values(name) for name in VALUES},
    **{f"fit_{function.__name__}": train(function) for function in FUNCTIONS},
}
