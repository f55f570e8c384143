"""Preprocessing layers: what they give, and a training behind some of them.

Lookups and hashes are TensorFlow's in Keras: to record this part, Keras needs TensorFlow.

    KERAS_BACKEND=tensorflow python tests/parity/record.py preprocessing
"""

import numpy as np

BACKEND = "tensorflow"

rng = np.random.RandomState(20240925)
X = (rng.normal(size=(40, 3)) * 3 + 1).astype("float32")
Y = rng.normal(size=(40, 1)).astype("float32")
NUMBERS = np.array([[3, 7, 7], [9, 1, 3]])
STRINGS = np.array([["a", "b", "zz"], ["q", "a", "a"]])
WORDS = np.array([["x", "y", "y"], ["z", "z", "y"], ["w", "w", "w"]])
LONG = np.array(["", "é", "abcde", "x" * 9, "y" * 17, "z" * 40, "ab" * 50, "ü€" * 33])
TOKENS = [3, 7, 11]


def call(name, x, *args, adapt=None, **kwargs):
    """The layer on `x`, after `adapt` if there is data for that."""

    def run(k):
        layer = getattr(k.layers, name)(*args, **kwargs)
        if adapt is not None:
            layer.adapt(adapt)
        return {"outputs": np.asarray(layer(x))}

    return run


def boundaries(data, **kwargs):
    def run(k):
        layer = k.layers.Discretization(**kwargs)
        layer.adapt(data)
        return {"boundaries": np.array(layer.bin_boundaries)}

    return run


def vocabulary(name, data, **kwargs):
    """The vocabulary found, as positions among the sorted tokens (special ones are -1)."""

    def run(k):
        layer = getattr(k.layers, name)(**kwargs)
        layer.adapt(data)
        tokens = sorted(set(np.asarray(data).reshape(-1).tolist()))
        found = [
            token.item() if hasattr(token, "item") else token for token in layer.get_vocabulary()
        ]
        places = [tokens.index(token) if token in tokens else -1 for token in found]
        return {"vocabulary": np.array(places), "size": np.array(layer.vocabulary_size())}

    return run


def inverted(k):
    layer = k.layers.StringLookup(vocabulary=["a", "b"], invert=True)
    found = np.asarray(layer(np.array([0, 1, 2, 5]))).tolist()
    found = [value.decode() if isinstance(value, bytes) else value for value in found]
    return {"outputs": np.array([["[UNK]", "a", "b"].index(value) for value in found])}


def trained(*layers):
    """A model that begins with these layers, trained."""

    def run(k):
        first = [getattr(k.layers, name)(**kwargs) for name, kwargs in layers]
        first[0].adapt(X)
        last = k.layers.Dense(1, kernel_initializer="ones")
        model = k.Sequential([k.Input((3,)), *first, last])
        model.compile(k.optimizers.SGD(0.05), "mse")
        history = model.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0).history
        return {
            "loss": np.array(history["loss"]),
            "weight/kernel": np.asarray(last.kernel),
            "predictions": model.predict(X, verbose=0),
        }

    return run


MODES = ("one_hot", "multi_hot", "count")
BINS = [-1.0, 0.0, 2.5]
CASES = {
    "normalization": call("Normalization", X, adapt=X),
    "normalization_all": call("Normalization", X, axis=None, adapt=X),
    "normalization_invert": call("Normalization", X, invert=True, adapt=X),
    "normalization_given": call("Normalization", X, mean=1.0, variance=4.0),
    "normalization_vectors": call("Normalization", X, mean=[1.0, 2, 3], variance=[4.0, 1, 1]),
    "normalization_batches": call("Normalization", X, adapt=[X[:10], X[10:25], X[25:]]),
    "normalization_axes": call(
        "Normalization", X.reshape(10, 4, 3), axis=(1, 2), adapt=X.reshape(10, 4, 3)
    ),
    "normalization_trained": trained(("Normalization", {})),
    "rescaling": call("Rescaling", X, 1 / 255, 0.5),
    "rescaling_whole": call("Rescaling", NUMBERS.astype("int32"), 0.5, offset=-1),
    "discretization": call("Discretization", X, BINS),
    **{
        f"discretization_{mode}": call("Discretization", X, BINS, output_mode=mode)
        for mode in MODES
    },
    "discretization_adapt": boundaries(X, num_bins=5, epsilon=0.05),
    "discretization_adapt_batches": boundaries([X[:15], X[15:]], num_bins=4),
    "discretization_adapt_more": boundaries(rng.normal(size=(900,)), num_bins=7),
    "discretization_trained": trained(
        ("Discretization", {"num_bins": 4, "output_mode": "one_hot"}), ("Flatten", {})
    ),
    **{f"category_{mode}": call("CategoryEncoding", NUMBERS, 10, mode) for mode in MODES},
    "category_column": call("CategoryEncoding", np.array([[1], [3]]), 4, "one_hot"),
    "category_vector": call("CategoryEncoding", np.array([1, 3]), 4, "one_hot"),
    "category_vector_multi": call("CategoryEncoding", np.array([1, 3]), 4),
    "hashing_numbers": call("Hashing", NUMBERS, 7),
    "hashing_negative": call("Hashing", np.array([[-5, -123456]]), 100),
    "hashing_floats": call("Hashing", np.array([[1.7, -2.2]]), 9),
    "hashing_strings": call("Hashing", STRINGS, 7),
    "hashing_long": call("Hashing", LONG, 2**31 - 1),
    "hashing_long_salt": call("Hashing", LONG, 2**31 - 1, salt=[133, 137]),
    "hashing_salt": call("Hashing", NUMBERS, 7, salt=133),
    "hashing_mask": call("Hashing", NUMBERS, 7, mask_value=7),
    "hashing_mask_string": call("Hashing", STRINGS, 7, mask_value="a"),
    **{f"hashing_{mode}": call("Hashing", NUMBERS, 3, output_mode=mode) for mode in MODES},
    "integers": call("IntegerLookup", NUMBERS, vocabulary=TOKENS),
    "integers_mask": call("IntegerLookup", NUMBERS, vocabulary=TOKENS, mask_token=9),
    "integers_oov": call("IntegerLookup", NUMBERS, vocabulary=TOKENS, num_oov_indices=3),
    "integers_farmhash": call(
        "IntegerLookup", NUMBERS, vocabulary=TOKENS, num_oov_indices=3, oov_method="farmhash"
    ),
    "integers_salt": call(
        "IntegerLookup",
        NUMBERS,
        vocabulary=TOKENS,
        num_oov_indices=3,
        oov_method="farmhash",
        salt=[1, 2],
    ),
    "integers_invert": call(
        "IntegerLookup", np.array([[0, 1, 2, 3, 4, 9]]), vocabulary=TOKENS, invert=True
    ),
    "integers_invert_mask": call(
        "IntegerLookup", np.array([[0, 1, 2, 3]]), vocabulary=TOKENS, invert=True, mask_token=5
    ),
    **{
        f"integers_{mode}": call(
            "IntegerLookup", NUMBERS, vocabulary=TOKENS, output_mode=mode, mask_token=9
        )
        for mode in MODES
    },
    "integers_pad": call(
        "IntegerLookup",
        NUMBERS,
        vocabulary=TOKENS,
        output_mode="multi_hot",
        max_tokens=6,
        pad_to_max_tokens=True,
    ),
    "integers_idf": call(
        "IntegerLookup",
        NUMBERS,
        vocabulary=TOKENS,
        idf_weights=[0.5, 0.25, 2.0],
        output_mode="tf_idf",
        max_tokens=6,
        pad_to_max_tokens=True,
    ),
    "integers_idf_adapt": call("IntegerLookup", NUMBERS, output_mode="tf_idf", adapt=NUMBERS),
    "integers_vocabulary": vocabulary("IntegerLookup", np.array([[1, 2, 2], [3, 3, 2], [5, 5, 5]])),
    "integers_vocabulary_max": vocabulary(
        "IntegerLookup", np.array([[1, 2, 2], [3, 3, 2]]), max_tokens=4, mask_token=0
    ),
    "strings": call("StringLookup", STRINGS, vocabulary=["a", "b"]),
    "strings_oov": call("StringLookup", STRINGS, vocabulary=["a", "b"], num_oov_indices=4),
    "strings_salt": call(
        "StringLookup", STRINGS, vocabulary=["a", "b"], num_oov_indices=4, salt=[4, 5]
    ),
    "strings_special": call(
        "StringLookup", STRINGS, vocabulary=["", "[UNK]", "a", "b"], mask_token=""
    ),
    **{
        f"strings_{mode}": call(
            "StringLookup", STRINGS, vocabulary=["a", "b"], output_mode=mode, mask_token="q"
        )
        for mode in MODES
    },
    "strings_idf": call("StringLookup", WORDS, output_mode="tf_idf", adapt=WORDS),
    "strings_idf_list": call(
        "StringLookup",
        np.array([["a", "b", "n"]]),
        output_mode="tf_idf",
        adapt=["b", "a", "b", "c"],
    ),
    "strings_vocabulary": vocabulary("StringLookup", WORDS),
    "strings_vocabulary_mask": vocabulary("StringLookup", WORDS, mask_token="y", max_tokens=4),
    "strings_invert": inverted,
}
