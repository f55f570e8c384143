"""Layers: a training run of each with the same weights, its result in both modes, and its config.

`RandomState` gives the same numbers in every version of NumPy, so the data need no file.
"""

import json

import numpy as np

BATCH, STEPS, FEATURES = 6, 3, 12


def numbers(seed, *shape):
    return np.random.RandomState(seed).normal(size=shape).astype("float32")


def fill(model, seed=11):
    """Gives every weight fixed values; those that stand for variances positive ones."""
    for number, variable in enumerate(model.weights):
        value = 0.4 * numbers(seed + number, *variable.shape)
        name = variable.path.split("/")[-1]
        if "variance" in name or "stddev" in name or name in ("gamma", "scale"):
            value = 0.8 + abs(value)
        variable.assign(value)


def as_bytes(config):
    """A configuration as an array; its keys in order."""
    return np.frombuffer(json.dumps(config, sort_keys=True).encode(), np.uint8)


def train(k, model, x, y, loss="mse", optimizer="sgd", epochs=2, **fit):
    """What training from fixed weights leaves behind."""
    fill(model)
    model.compile(optimizer, loss, metrics=["mae"], weighted_metrics=["mse"])
    before = model.predict(x, verbose=0, batch_size=BATCH)
    history = model.fit(x, y, BATCH, epochs, shuffle=False, verbose=0, **fit)
    result = {f"history/{key}": np.array(value) for key, value in history.history.items()}
    for i, weight in enumerate(model.get_weights()):
        result[f"weight/{i}"] = weight
    result["before"] = before
    result["predict"] = model.predict(x, verbose=0, batch_size=BATCH)
    result["evaluate"] = np.array(model.evaluate(x, y, verbose=0, batch_size=BATCH))
    return result


def around(make, shape, dense=True, config=True, **options):
    """A case: a layer between two Dense ones (or behind one), trained on `[batch, *shape]`."""

    def run(k):
        x = numbers(3, BATCH * STEPS, *shape)
        layer = make(k)
        inputs = k.Input(shape)
        outputs = layer(k.layers.Dense(shape[-1])(inputs) if dense else inputs)
        outputs = k.layers.Dense(2)(outputs)
        model = k.Model(inputs, outputs)
        y = numbers(4, *(BATCH * STEPS, *outputs.shape[1:]))
        result = train(k, model, x, y, **options)
        if config:
            result["config"] = as_bytes(k.layers.serialize(layer))
        return result

    return run


def layer(name, *args, **kwargs):
    """Makes `keras.layers.NAME(...)`; callables among the arguments get the library."""

    def make(k):
        given = {key: v(k) if callable(v) else v for key, v in kwargs.items()}
        return getattr(k.layers, name)(*args, **given, name="it")

    return make


SINGLE = {
    "activation": (layer("Activation", "gelu"), (FEATURES,)),
    "relu": (layer("ReLU", max_value=1.0, negative_slope=0.2, threshold=0.1), (FEATURES,)),
    "leaky_relu": (layer("LeakyReLU"), (FEATURES,)),
    "leaky_relu_slope": (layer("LeakyReLU", 0.05), (3, 4)),
    "elu": (layer("ELU", alpha=0.7), (FEATURES,)),
    "softmax": (layer("Softmax"), (FEATURES,)),
    "softmax_axis": (layer("Softmax", axis=1), (3, 4)),
    "prelu": (layer("PReLU"), (FEATURES,)),
    "prelu_shared": (layer("PReLU", shared_axes=1, alpha_regularizer="l2"), (3, 4)),
    "prelu_constraint": (layer("PReLU", alpha_constraint="non_neg"), (FEATURES,)),
    "identity": (layer("Identity"), (FEATURES,)),
    "flatten": (layer("Flatten"), (3, 4)),
    "flatten_first": (layer("Flatten", data_format="channels_first"), (3, 4)),
    "reshape": (layer("Reshape", (4, -1)), (3, 4)),
    "permute": (layer("Permute", (2, 1)), (3, 4)),
    "permute_three": (layer("Permute", (3, 1, 2)), (2, 3, 4)),
    "repeat_vector": (layer("RepeatVector", 3), (4,)),
    "masking": (layer("Masking", mask_value=0.25), (3, 4)),
    "dropout_none": (layer("Dropout", 0.0), (FEATURES,)),
    "noise_none": (layer("GaussianNoise", 0.0), (FEATURES,)),
    "gaussian_dropout_none": (layer("GaussianDropout", 0.0, seed=3), (FEATURES,)),
    "alpha_dropout_none": (layer("AlphaDropout", 0.0), (FEATURES,)),
    "activity_regularization": (layer("ActivityRegularization", l1=0.01, l2=0.02), (FEATURES,)),
    "batch_norm": (layer("BatchNormalization"), (FEATURES,)),
    "batch_norm_momentum": (layer("BatchNormalization", momentum=0.6, epsilon=0.01), (3, 4)),
    "batch_norm_axis": (layer("BatchNormalization", axis=1), (3, 4)),
    "batch_norm_bare": (layer("BatchNormalization", center=False, scale=False), (FEATURES,)),
    "batch_norm_no_scale": (layer("BatchNormalization", scale=False), (FEATURES,)),
    "batch_norm_penalty": (
        layer("BatchNormalization", gamma_regularizer="l2", beta_constraint="non_neg"),
        (FEATURES,),
    ),
    "batch_norm_frozen": (layer("BatchNormalization", trainable=False), (FEATURES,)),
    "batch_renorm": (layer("BatchNormalization", renorm=True, momentum=0.8), (FEATURES,)),
    "batch_renorm_clipped": (
        layer(
            "BatchNormalization",
            renorm=True,
            renorm_momentum=0.7,
            renorm_clipping={"rmin": 0.8, "rmax": 1.2, "dmax": 0.3},
        ),
        (3, 4),
    ),
    "batch_renorm_bare": (
        layer("BatchNormalization", renorm=True, scale=False, center=False),
        (FEATURES,),
    ),
    "layer_norm": (layer("LayerNormalization"), (FEATURES,)),
    "layer_norm_axes": (layer("LayerNormalization", axis=(1, 2), epsilon=0.1), (3, 4)),
    "layer_norm_middle": (layer("LayerNormalization", axis=1, center=False), (3, 4)),
    "layer_norm_bare": (layer("LayerNormalization", scale=False, center=False), (FEATURES,)),
    "group_norm": (layer("GroupNormalization", groups=3), (FEATURES,)),
    "group_norm_axis": (layer("GroupNormalization", groups=2, axis=1), (4, 3)),
    "group_norm_cube": (layer("GroupNormalization", groups=2, scale=False), (3, 4)),
    "group_norm_instance": (layer("GroupNormalization", groups=-1, center=False), (3, 4)),
    "rms_norm": (layer("RMSNormalization"), (FEATURES,)),
    "rms_norm_axes": (layer("RMSNormalization", axis=(1, 2), epsilon=0.1), (3, 4)),
    "unit_norm": (layer("UnitNormalization"), (FEATURES,)),
    "unit_norm_axes": (layer("UnitNormalization", axis=[1, 2]), (3, 4)),
    "average_pooling": (layer("GlobalAveragePooling1D"), (3, 4)),
    "average_pooling_first": (layer("GlobalAveragePooling1D", "channels_first"), (3, 4)),
    "max_pooling": (layer("GlobalMaxPooling1D", keepdims=True), (3, 4)),
    "dense_activity": (layer("Dense", 4, activity_regularizer="l2"), (FEATURES,)),
    "time_distributed": (
        layer("TimeDistributed", layer=lambda k: k.layers.Dense(4, "tanh", name="one")),
        (3, 4),
    ),
    "time_distributed_norm": (
        layer("TimeDistributed", layer=lambda k: k.layers.BatchNormalization(name="one")),
        (3, 4),
    ),
    "einsum_dense": (layer("EinsumDense", "ab,bc->ac", output_shape=5, bias_axes="c"), (4,)),
    "einsum_dense_dots": (
        layer("EinsumDense", "...x,xy->...y", output_shape=5, activation="tanh"),
        (3, 4),
    ),
    "einsum_dense_heads": (
        layer("EinsumDense", "abc,cde->abde", output_shape=(3, 2, 3), bias_axes="de"),
        (3, 4),
    ),
    "einsum_dense_penalty": (
        layer(
            "EinsumDense",
            "abc,cd->abd",
            output_shape=(3, 5),
            bias_axes="bd",
            kernel_regularizer="l2",
            bias_constraint="non_neg",
        ),
        (3, 4),
    ),
}


def merged(name, shapes=((4,), (4,)), config=True, **kwargs):
    """A case: Dense layers on several inputs, merged."""

    def run(k):
        inputs = [k.Input(shape) for shape in shapes]
        xs = [numbers(20 + i, BATCH * STEPS, *shape) for i, shape in enumerate(shapes)]
        it = getattr(k.layers, name)(**kwargs, name="it")
        outputs = it([k.layers.Dense(x.shape[-1])(x) for x in inputs])
        outputs = k.layers.Dense(2)(outputs)
        model = k.Model(inputs, outputs)
        y = numbers(4, *(BATCH * STEPS, *outputs.shape[1:]))
        result = train(k, model, xs, y)
        result["config"] = as_bytes(k.layers.serialize(it))
        return result

    return run


THREE = ((4,), (4,), (4,))
MERGES = {
    **{
        name.lower(): merged(name, THREE)
        for name in ("Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
    },
    "subtract": merged("Subtract"),
    "add_broadcast": merged("Add", ((3, 4), (1, 4), (4,))),
    "maximum_broadcast": merged("Maximum", ((3, 4), (4,))),
    "concatenate_axis": merged("Concatenate", ((3, 4), (2, 4)), axis=1),
    "dot_vectors": merged("Dot", axes=1),
    "dot_normalized": merged("Dot", axes=-1, normalize=True),
    "dot_matrices": merged("Dot", ((3, 4), (5, 4)), axes=2),
    "dot_axes": merged("Dot", ((3, 4), (4, 5)), axes=(2, 1)),
    "dot_vector_matrix": merged("Dot", ((4,), (4, 5)), axes=1),
    "dot_matrix_vector": merged("Dot", ((3, 4), (4,)), axes=(2, 1)),
}


def without_training_metrics(result):
    """Keras on JAX loses the mask between loss and metrics of a training step (not on TensorFlow).

    Its evaluation has it, and is compared.
    """
    return {key: value for key, value in result.items() if key not in TRAINING_METRICS}


TRAINING_METRICS = ("history/mae", "history/mse")


def masked(*make, weights=None, loss="mse", y_shape=None, **options):
    """A case: layers behind a Masking, on data of which some steps are masked."""

    def run(k):
        x = numbers(5, BATCH * STEPS, 4, 3)
        x[::3, 2:] = 0
        x[1::4, 0] = 0
        inputs = k.Input((4, 3))
        outputs = k.layers.Masking()(inputs)
        for m in make:
            outputs = m(k)(outputs)
        model = k.Model(inputs, outputs)
        y = numbers(4, *(BATCH * STEPS, *outputs.shape[1:]))
        if weights is not None:
            options["sample_weight"] = abs(numbers(8, BATCH * STEPS, *weights))
        result = train(k, model, x, y, loss=loss(k) if callable(loss) else loss, **options)
        return without_training_metrics(result)

    return run


def named(name, *args, **kwargs):
    return lambda k: getattr(k.layers, name)(*args, **kwargs)


MASKS = {
    "dense": masked(named("Dense", 3)),
    "dense_weighted": masked(named("Dense", 3), weights=(4,)),
    "dense_sum": masked(
        named("Dense", 3), loss=lambda k: k.losses.MeanAbsoluteError(reduction="sum")
    ),
    "dense_weighted_mean": masked(
        named("Dense", 3),
        weights=(4,),
        loss=lambda k: k.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
    ),
    "average": masked(named("Dense", 3), named("GlobalAveragePooling1D"), named("Dense", 2)),
    "batch_norm": masked(named("BatchNormalization", momentum=0.7), named("Dense", 2)),
    "batch_renorm": masked(named("BatchNormalization", renorm=True), named("Dense", 2)),
    "layer_norm": masked(named("LayerNormalization"), named("Dense", 2)),
    "time_distributed": masked(lambda k: k.layers.TimeDistributed(k.layers.Dense(3))),
    "nested": masked(
        lambda k: k.Sequential([k.Input((4, 3)), k.layers.Dense(3), k.layers.Dense(2)])
    ),
}


def merged_masks(name, both=True, **kwargs):
    """A case: a merge of masked tensors, whose values and mask count."""

    def run(k):
        inputs = [k.Input((4, 3)), k.Input((4, 3))]
        a, b = numbers(5, BATCH * STEPS, 4, 3), numbers(6, BATCH * STEPS, 4, 3)
        a[::3, 2:] = 0
        b[::2, 1:3] = 0
        first = k.layers.Dense(3)(k.layers.Masking()(inputs[0]))
        second = k.layers.Dense(3)(k.layers.Masking()(inputs[1]) if both else inputs[1])
        outputs = getattr(k.layers, name)(**kwargs)([first, second])
        model = k.Model(inputs, k.layers.Dense(2)(outputs))
        y = numbers(4, *(BATCH * STEPS, *model.output.shape[1:]))
        return without_training_metrics(train(k, model, [a, b], y))

    return run


for _name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"):
    MASKS[f"{_name.lower()}"] = merged_masks(_name)
    MASKS[f"{_name.lower()}_half"] = merged_masks(_name, both=False)
MASKS["concatenate_steps"] = merged_masks("Concatenate", axis=1)


def embedding(mask_zero, optimizer="sgd", **kwargs):
    """A case: word numbers, embedded, averaged and classified."""

    def run(k):
        x = np.random.RandomState(9).randint(0, 7, (BATCH * STEPS, 5)).astype("int32")
        x[:, 0] = 1  # no sample without a word
        it = k.layers.Embedding(7, 4, mask_zero=mask_zero, name="it", **kwargs)
        inputs = k.Input((5,), dtype="int32")
        pooled = k.layers.GlobalAveragePooling1D()(it(inputs))
        model = k.Model(inputs, k.layers.Dense(2)(pooled))
        result = train(k, model, x, numbers(4, BATCH * STEPS, 2), optimizer=optimizer)
        result["config"] = as_bytes(k.layers.serialize(it))
        return result

    return run


EMBEDDINGS = {
    "plain": embedding(False),
    "masked": embedding(True),
    "adam": embedding(True, optimizer="adam"),
    "penalty": embedding(False, embeddings_regularizer="l2", embeddings_constraint="unit_norm"),
}


def frozen_then_thawed(k):
    """BatchNormalization learns nothing while it is frozen, and goes on afterwards."""
    norm = k.layers.BatchNormalization(momentum=0.5)
    inputs = k.Input((4,))
    model = k.Model(inputs, k.layers.Dense(2)(norm(inputs)))
    x, y = numbers(3, BATCH * STEPS, 4), numbers(4, BATCH * STEPS, 2)
    norm.trainable = False
    first = train(k, model, x, y)
    norm.trainable = True
    model.compile("sgd", "mse")
    model.fit(x, y, BATCH, shuffle=False, verbose=0)
    result = {f"frozen_{key}": value for key, value in first.items()}
    for i, weight in enumerate(model.get_weights()):
        result[f"weight/{i}"] = weight
    result["training"] = np.asarray(model(x[:5], training=True))
    return result


def shared_norm(k):
    """One BatchNormalization called twice: its averages move twice a step."""
    norm = k.layers.BatchNormalization(momentum=0.8)
    a, b = k.Input((4,)), k.Input((4,))
    model = k.Model([a, b], k.layers.Dense(2)(k.layers.add([norm(a), norm(b)])))
    xs = [numbers(3, BATCH * STEPS, 4), numbers(6, BATCH * STEPS, 4)]
    return train(k, model, xs, numbers(4, BATCH * STEPS, 2))


def lambdas(k):
    """Functions as layers, with arguments and with an output shape."""
    inputs = k.Input((4,))
    h = k.layers.Dense(4)(inputs)
    h = k.layers.Lambda(lambda x, factor: k.ops.sin(x) * factor, arguments={"factor": 2.0})(h)
    h = k.layers.Lambda(lambda x: k.ops.expand_dims(x, 1), output_shape=(1, 4))(h)
    model = k.Model(inputs, k.layers.Dense(2)(h))
    x, y = numbers(3, BATCH * STEPS, 4), numbers(4, BATCH * STEPS, 1, 2)
    return train(k, model, x, y)


def added_losses(k):
    """add_loss in a layer of one's own, beside an activity regularizer."""

    class Penalty(k.layers.Layer):
        def call(self, inputs):
            self.add_loss(0.1 * k.ops.mean(k.ops.square(inputs)))
            return inputs

    inputs = k.Input((4,))
    h = k.layers.Dense(4, activity_regularizer="l1")(inputs)
    model = k.Model(inputs, k.layers.Dense(2)(Penalty()(h)))
    return train(k, model, numbers(3, BATCH * STEPS, 4), numbers(4, BATCH * STEPS, 2))


def network(k):
    """Many of them in one model."""
    inputs = k.Input((3, 4))
    h = k.layers.TimeDistributed(k.layers.Dense(6, activation="relu"))(inputs)
    h = k.layers.LayerNormalization()(h)
    skip = k.layers.Dense(6)(inputs)
    h = k.layers.add([h, skip])
    pooled = k.layers.concatenate(
        [k.layers.GlobalAveragePooling1D()(h), k.layers.GlobalMaxPooling1D()(h)]
    )
    h = k.layers.BatchNormalization()(pooled)
    h = k.layers.PReLU()(k.layers.Dense(5)(h))
    model = k.Model(inputs, k.layers.Dense(2)(h))
    x, y = numbers(3, BATCH * STEPS, 3, 4), numbers(4, BATCH * STEPS, 2)
    return train(k, model, x, y, optimizer=k.optimizers.SGD(0.02, momentum=0.9), epochs=4)


CASES = {
    **{name: around(make, shape) for name, (make, shape) in SINGLE.items()},
    **{f"merge_{name}": run for name, run in MERGES.items()},
    **{f"mask_{name}": run for name, run in MASKS.items()},
    **{f"embedding_{name}": run for name, run in EMBEDDINGS.items()},
    "frozen_then_thawed": frozen_then_thawed,
    "shared_norm": shared_norm,
    "lambdas": lambdas,
    "added_losses": added_losses,
    "network": network,
}
