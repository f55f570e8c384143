"""How to bring about the refusals that the tables of the documentation name."""

import functools
import inspect

import instances
import numpy as np
import signatures

import hotloop
from hotloop import callbacks, config, dtype_policies, layers, ops, optimizers, utils

X = np.zeros((4, 3), "float32")
Y = np.zeros((4, 1), "float32")


def model():
    made = hotloop.Sequential([layers.Input((3,)), layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def tensor_board():
    """One that writes nothing: another package would write for it."""
    callback = callbacks.TensorBoard.__new__(callbacks.TensorBoard)
    callbacks.Callback.__init__(callback)
    return callback


# Objects that Keras does not have here, or does not make without another library.
MORE_INSTANCES = {
    "layers.Hashing": lambda: layers.Hashing(3),
    "layers.IntegerLookup": layers.IntegerLookup,
    "layers.StringLookup": layers.StringLookup,
    "callbacks.TensorBoard": tensor_board,
    "optimizers.MultiOptimizer": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD())
    ),
}


def make(name):
    """An object of the class that is called `name`; None if there is no recipe for one."""
    if name in instances.INSTANCES:
        return instances.INSTANCES[name](hotloop)
    return MORE_INSTANCES[name]() if name in MORE_INSTANCES else None


@functools.cache
def instance(name, bases=()):
    """An object of the class `name`, or of the first of its bases that has a recipe."""
    made = (make(known) for known in (name, *bases))
    return next((value for value in made if value is not None), None)


def method_call(name):
    """A call without arguments of the method or function `name`, on an object of its class."""
    owner, _, member = name.rpartition(".")
    value = signatures.lookup(hotloop, owner) if owner else hotloop
    if inspect.isclass(value):
        value = instance(owner)
        assert value is not None, f"tests/parity/refusals.py knows no object of {owner}"
    return lambda: getattr(value, member)()


def fit_with(step, method):
    """Uses a model whose `step` takes the state, too."""

    def overridden(self, state, data):
        return {}

    made = type("Stateful", (hotloop.Sequential,), {step: overridden})([layers.Dense(1)])
    made.compile("sgd", "mse")
    return (
        getattr(made, method)(X, verbose=0)
        if method == "predict"
        else getattr(made, method)(X, Y, verbose=0)
    )


def lookup_config():
    return {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}}


CALLS = {
    "KerasTensor(sparse)": lambda: hotloop.KerasTensor((3,), sparse=True),
    "KerasTensor(ragged)": lambda: hotloop.KerasTensor((3,), ragged=True),
    "KerasTensor(record_history)": lambda: hotloop.KerasTensor((3,), record_history=False),
    "KerasTensor(**kwargs)": lambda: hotloop.KerasTensor((3,), ragged_rank=1),
    "Variable(**kwargs)": lambda: hotloop.Variable(0.0, unknown=1),
    "Variable(layout)": lambda: hotloop.Variable(0.0, layout="rows"),
    "models.load_model": lambda: hotloop.models.load_model("model.keras"),
    "models.Model.train_step(state)": lambda: fit_with("train_step", "fit"),
    "models.Model.test_step(state)": lambda: fit_with("test_step", "evaluate"),
    "models.Model.predict_step(state)": lambda: fit_with("predict_step", "predict"),
    "models.Model.evaluate(**kwargs)": lambda: model().evaluate(X, Y, verbose=0, colour=1),
    "models.Model.save_weights(max_shard_size)": lambda: model().save_weights(
        "model.safetensors", max_shard_size=1
    ),
    "models.Model.load_weights(**kwargs)": lambda: model().load_weights(
        "model.safetensors", by_name=True
    ),
    "models.Sequential.call(**kwargs)": lambda: model().call(X, colour=1),
    "models.Sequential.compute_output_spec(**kwargs)": lambda: model().compute_output_spec(
        hotloop.KerasTensor((None, 3)), colour=1
    ),
    **{
        f"layers.{name}({argument})": lambda name=name, first=first, argument=argument: getattr(
            layers, name
        )(*first, **{argument: 1})
        for name, first in {
            "Dense": (1,),
            "EinsumDense": ("ab,bc->ac", 1),
            "Embedding": (2, 1),
        }.items()
        for argument in ("lora_rank", "lora_alpha", "quantization_config")
    },
    "layers.EinsumDense(gptq_unpacked_column_size)": lambda: layers.EinsumDense(
        "ab,bc->ac", 1, gptq_unpacked_column_size=1
    ),
    **{
        f"layers.{name}({argument})": lambda name=name, argument=argument: getattr(layers, name)(
            shape=(3,), **{argument: True}
        )
        for name in ("Input", "InputLayer")
        for argument in ("sparse", "ragged")
    },
    "layers.CategoryEncoding(sparse)": lambda: layers.CategoryEncoding(3, sparse=True),
    "layers.Discretization(sparse)": lambda: layers.Discretization([0.0], sparse=True),
    "layers.Hashing(sparse)": lambda: layers.Hashing(3, sparse=True, output_mode="one_hot"),
    "layers.IntegerLookup(sparse)": lambda: layers.IntegerLookup(
        sparse=True, output_mode="multi_hot"
    ),
    "layers.StringLookup(sparse)": lambda: layers.StringLookup(
        sparse=True, output_mode="multi_hot"
    ),
    "layers.BatchNormalization(synchronized)": lambda: layers.BatchNormalization(synchronized=True),
    "layers.Layer.add_weight(overwrite_with_gradient)": lambda: layers.Layer().add_weight(
        (1,), overwrite_with_gradient=True
    ),
    "layers.Layer(dtype)": lambda: layers.Layer(dtype="float16"),
    "losses.Loss(dtype)": lambda: hotloop.losses.Huber(dtype="float16"),
    "metrics.Metric(dtype)": lambda: hotloop.metrics.Mean(dtype="float16"),
    "callbacks.TensorBoard(profile_batch)": lambda: callbacks.TensorBoard(profile_batch=2),
    "callbacks.TensorBoard(embeddings_freq)": lambda: callbacks.TensorBoard(embeddings_freq=1),
    "callbacks.TensorBoard(embeddings_metadata)": lambda: callbacks.TensorBoard(
        embeddings_metadata="words.tsv"
    ),
    "callbacks.ModelCheckpoint(save_weights_only)": lambda: callbacks.ModelCheckpoint(
        "model.keras"
    ),
    "config.set_floatx(value)": lambda: config.set_floatx("float16"),
    "config.set_dtype_policy(policy)": lambda: config.set_dtype_policy("mixed_bfloat16"),
    "config.set_backend(backend)": lambda: config.set_backend("jax"),
    "dtype_policies.DTypePolicy(name)": lambda: dtype_policies.DTypePolicy("float16"),
    "saving.deserialize_keras_object(safe_mode)": lambda: hotloop.saving.deserialize_keras_object(
        lookup_config(), safe_mode=False
    ),
    "utils.split_dataset(preferred_backend)": lambda: utils.split_dataset(
        X, 0.5, preferred_backend="tensorflow"
    ),
    "utils.timeseries_dataset_from_array(format)": lambda: utils.timeseries_dataset_from_array(
        X, None, 2, format="grain"
    ),
    "ops.bincount(sparse)": lambda: ops.bincount(np.array([1]), sparse=True),
    "ops.multi_hot(sparse)": lambda: ops.multi_hot(np.array([1]), 2, sparse=True),
    "ops.one_hot(sparse)": lambda: ops.one_hot(np.array([1]), 2, sparse=True),
    "ops.convert_to_tensor(sparse)": lambda: ops.convert_to_tensor(X, sparse=True),
    "ops.convert_to_tensor(ragged)": lambda: ops.convert_to_tensor(X, ragged=True),
    "ops.moments(synchronized)": lambda: ops.moments(X, 0, synchronized=True),
}
