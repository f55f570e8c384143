"""Objects whose public attributes are compared: made in the same way in Keras and in hotloop."""

import numpy as np

X = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
Y = np.linspace(0, 1, 4, dtype="float32").reshape(4, 1)


def trained(k, *callbacks):
    """A model after a training of two epochs with validation."""
    k.utils.set_random_seed(1)
    model = k.Sequential([k.layers.Input((3,)), k.layers.Dense(2), k.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, epochs=2, validation_data=(X, Y), verbose=0, callbacks=list(callbacks))
    return model


def functional(k):
    inputs = k.Input((3,))
    model = k.Model(inputs, k.layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    return model


def called(layer, shape=(4, 3)):
    layer(np.ones(shape, "float32"))
    return layer


def after_fit(k, callback):
    trained(k, callback)
    return callback


def built(k, optimizer):
    optimizer.build([k.Variable(np.ones((2, 2), "float32"))])
    return optimizer


def layer_cases():
    plain = {
        "Activation": ("relu",), "ActivityRegularization": (0.1, 0.1), "AlphaDropout": (0.5,),
        "BatchNormalization": (), "Dense": (2,), "Dropout": (0.5,), "ELU": (), "Flatten": (),
        "GaussianDropout": (0.5,), "GaussianNoise": (0.5,), "GroupNormalization": (1,),
        "Identity": (), "LayerNormalization": (), "LeakyReLU": (), "Masking": (), "PReLU": (),
        "RMSNormalization": (), "ReLU": (), "RepeatVector": (2,), "Rescaling": (2.0,),
        "Reshape": ((3, 1),), "Softmax": (), "UnitNormalization": (), "Normalization": (),
        "Discretization": ([0.0],), "EinsumDense": ("ab,bc->ac", 2),
    }  # fmt: skip
    cases = {
        f"layers.{name}": lambda k, name=name, args=args: called(getattr(k.layers, name)(*args))
        for name, args in plain.items()
    }
    wide = {
        "GlobalAveragePooling1D": (), "GlobalMaxPooling1D": (), "Permute": ((2, 1),),
        "SpatialDropout1D": (0.5,),
    }  # fmt: skip
    for name, args in wide.items():
        cases[f"layers.{name}"] = lambda k, name=name, args=args: called(
            getattr(k.layers, name)(*args), (4, 3, 2)
        )
    cases["layers.Embedding"] = lambda k: called(k.layers.Embedding(5, 2))
    cases["layers.Lambda"] = lambda k: called(k.layers.Lambda(abs))
    cases["layers.TimeDistributed"] = lambda k: called(
        k.layers.TimeDistributed(k.layers.Dense(2)), (4, 3, 2)
    )
    cases["layers.Wrapper"] = lambda k: k.layers.Wrapper(k.layers.Dense(2))
    cases["layers.InputLayer"] = lambda k: k.layers.InputLayer(shape=(3,))
    cases["layers.InputSpec"] = lambda k: k.layers.InputSpec(shape=(None, 3))
    cases["layers.CategoryEncoding"] = lambda k: k.layers.CategoryEncoding(3)
    cases["layers.Layer"] = lambda k: k.layers.Layer()
    for name in ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"):
        cases[f"layers.{name}"] = lambda k, name=name: merged(getattr(k.layers, name)())
    cases["layers.Dot"] = lambda k: merged(k.layers.Dot(1))
    return cases


def merged(layer):
    layer([X, X])
    return layer


def optimizer_cases():
    names = (
        "SGD", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam", "Adagrad", "Adadelta", "Adafactor",
        "Ftrl", "Lion", "Lamb", "Muon", "ScheduleFreeAdamW",
    )  # fmt: skip
    cases = {
        f"optimizers.{name}": lambda k, name=name: built(k, getattr(k.optimizers, name)())
        for name in names
    }
    cases["optimizers.LossScaleOptimizer"] = lambda k: built(
        k, k.optimizers.LossScaleOptimizer(k.optimizers.SGD())
    )
    schedules = {
        "CosineDecay": (0.1, 5), "CosineDecayRestarts": (0.1, 5), "ExponentialDecay": (0.1, 5, 0.5),
        "InverseTimeDecay": (0.1, 5, 0.5), "PiecewiseConstantDecay": ([1], [0.1, 0.2]),
        "PolynomialDecay": (0.1, 5),
    }  # fmt: skip
    for name, args in schedules.items():
        cases[f"optimizers.schedules.{name}"] = lambda k, name=name, args=args: getattr(
            k.optimizers.schedules, name
        )(*args)
    return cases


def loss_and_metric_cases():
    losses = (
        "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy",
        "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy", "CategoricalHinge",
        "Circle", "CosineSimilarity", "Dice", "Hinge", "Huber", "KLDivergence", "LogCosh",
        "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
        "MeanSquaredLogarithmicError", "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge",
        "Tversky",
    )  # fmt: skip
    metrics = {
        "AUC": (), "BinaryAccuracy": (), "BinaryIoU": (), "CategoricalAccuracy": (),
        "ConcordanceCorrelation": (), "F1Score": (), "FBetaScore": (), "FalseNegatives": (),
        "IoU": (2, [0]), "Mean": (), "MeanIoU": (2,), "MeanSquaredError": (), "OneHotIoU": (2, [0]),
        "OneHotMeanIoU": (2,), "PearsonCorrelation": (), "Precision": (),
        "PrecisionAtRecall": (0.5,),
        "R2Score": (), "Recall": (), "RecallAtPrecision": (0.5,), "RootMeanSquaredError": (),
        "SensitivityAtSpecificity": (0.5,), "SparseCategoricalAccuracy": (),
        "SpecificityAtSensitivity": (0.5,), "Sum": (), "TopKCategoricalAccuracy": (),
    }  # fmt: skip
    cases = {f"losses.{name}": lambda k, name=name: getattr(k.losses, name)() for name in losses}
    for name, args in metrics.items():
        cases[f"metrics.{name}"] = lambda k, name=name, args=args: getattr(k.metrics, name)(*args)
    return cases


def piece_cases():
    initializers = {
        "Constant": (2.0,), "GlorotNormal": (), "GlorotUniform": (), "HeNormal": (),
        "HeUniform": (), "Identity": (), "LecunNormal": (), "LecunUniform": (), "Ones": (),
        "Orthogonal": (), "RandomNormal": (), "RandomUniform": (), "TruncatedNormal": (),
        "VarianceScaling": (), "Zeros": (),
    }  # fmt: skip
    cases = {
        f"initializers.{name}": lambda k, name=name, args=args: getattr(k.initializers, name)(*args)
        for name, args in initializers.items()
    }
    for name in ("L1", "L2", "L1L2", "OrthogonalRegularizer"):
        cases[f"regularizers.{name}"] = lambda k, name=name: getattr(k.regularizers, name)()
    for name in ("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"):
        cases[f"constraints.{name}"] = lambda k, name=name: getattr(k.constraints, name)()
    return cases


def callback_cases():
    return {
        "callbacks.Callback": lambda k: after_fit(k, k.callbacks.Callback()),
        "callbacks.EarlyStopping": lambda k: after_fit(k, k.callbacks.EarlyStopping()),
        "callbacks.History": lambda k: trained(k).history,
        "callbacks.LambdaCallback": lambda k: after_fit(k, k.callbacks.LambdaCallback()),
        "callbacks.LearningRateScheduler": lambda k: after_fit(
            k, k.callbacks.LearningRateScheduler(lambda epoch, rate: rate)
        ),
        "callbacks.ModelCheckpoint": lambda k: k.callbacks.ModelCheckpoint(
            "best.weights.h5" if k.__name__ == "keras" else "best.safetensors",
            save_weights_only=True,
        ),
        "callbacks.ReduceLROnPlateau": lambda k: after_fit(k, k.callbacks.ReduceLROnPlateau()),
        "callbacks.CSVLogger": lambda k: k.callbacks.CSVLogger("log.csv"),
        "callbacks.RemoteMonitor": lambda k: k.callbacks.RemoteMonitor(),
        "callbacks.SwapEMAWeights": lambda k: k.callbacks.SwapEMAWeights(),
        "callbacks.TerminateOnNaN": lambda k: after_fit(k, k.callbacks.TerminateOnNaN()),
    }


INSTANCES = {
    "Operation": lambda k: k.Operation(),
    "Variable": lambda k: k.Variable(1.0),
    "KerasTensor": lambda k: k.KerasTensor((None, 3)),
    "models.Model": functional,
    "models.Sequential": trained,
    "random.SeedGenerator": lambda k: k.random.SeedGenerator(1),
    "utils.Progbar": lambda k: k.utils.Progbar(3, verbose=0),
    **layer_cases(),
    **optimizer_cases(),
    **loss_and_metric_cases(),
    **piece_cases(),
    **callback_cases(),
}


def attributes(module, name):
    """The public names that the object has and its class has not."""
    value = INSTANCES[name](module)
    return sorted(n for n in dir(value) if not n.startswith("_") and not hasattr(type(value), n))
