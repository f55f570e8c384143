"""Optimizers and learning-rate schedules, trained for 64 steps each.

A run ends with the weights, and with the optimizer's own variables in their order.
"""

import numpy as np

FEATURES, HIDDEN, CLASSES = 6, 5, 3
BATCH, SAMPLES, EPOCHS = 8, 64, 8  # 64 steps

_rng = np.random.default_rng(20250311)
X = _rng.normal(size=(SAMPLES, FEATURES)).astype("float32")
Y = (X @ _rng.normal(size=(FEATURES, CLASSES))).argmax(axis=1).astype("int32")
WEIGHTS = [
    _rng.normal(scale=0.5, size=shape).astype("float32")
    for shape in [(FEATURES, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,)]
]


def model_of(k, optimizer, constraint=None, frozen=False):
    model = k.Sequential(
        [
            k.Input((FEATURES,)),
            k.layers.Dense(HIDDEN, activation="tanh", kernel_constraint=constraint, name="first"),
            k.layers.Dense(CLASSES, activation="softmax", name="last"),
        ]
    )
    model.set_weights(WEIGHTS)
    model.layers[0].trainable = not frozen
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def train(make, epochs=EPOCHS, **options):
    """A case that trains with the optimizer `make(k)`."""

    def run(k):
        optimizer = make(k)
        model = model_of(k, optimizer, **options)
        history = model.fit(X, Y, BATCH, epochs, shuffle=False, verbose=0)
        result = {"history": np.array(history.history["loss"], "float32")}
        for i, weight in enumerate(model.get_weights()):
            result[f"weight/{i}"] = weight
        # The learning rate apart, which not all have.
        for i, variable in enumerate(optimizer.variables):
            result[f"weight/state/{i}"] = np.asarray(variable.numpy(), "float32")
        return result

    return run


def of(name, *args, **kwargs):
    return train(lambda k: getattr(k.optimizers, name)(*args, **kwargs))


# name -> combinations of arguments
OWN = {
    "SGD": [{"learning_rate": 0.05}, {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True}],
    "RMSprop": [{"learning_rate": 0.005}, {"rho": 0.8, "momentum": 0.5, "centered": True}],
    "Adam": [{"learning_rate": 0.01}, {"beta_1": 0.8, "beta_2": 0.99, "amsgrad": True}],
    "AdamW": [{}, {"learning_rate": 0.01, "weight_decay": 0.1}, {"amsgrad": True, "epsilon": 1e-3}],
    "Adamax": [{}, {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}],
    "Nadam": [{}, {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3}],
    "Adagrad": [
        {"learning_rate": 0.05},
        {"learning_rate": 0.1, "initial_accumulator_value": 0.01, "epsilon": 1e-3},
    ],
    "Adadelta": [{"learning_rate": 1.0}, {"learning_rate": 2.0, "rho": 0.9, "epsilon": 1e-4}],
    "Adafactor": [
        {"learning_rate": 0.05},
        {"learning_rate": 0.1, "beta_2_decay": -0.6, "epsilon_1": 1e-6, "epsilon_2": 0.1},
        {"learning_rate": 0.05, "clip_threshold": 0.3, "relative_step": False},
    ],
    "Ftrl": [
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "l1_regularization_strength": 0.05},
        {
            "learning_rate": 0.2,
            "learning_rate_power": -0.7,
            "initial_accumulator_value": 0.3,
            "l2_regularization_strength": 0.02,
            "l2_shrinkage_regularization_strength": 0.03,
            "beta": 0.5,
        },
    ],
    "Lion": [{"learning_rate": 0.003}, {"learning_rate": 0.001, "beta_1": 0.5, "beta_2": 0.7}],
    "Lamb": [{"learning_rate": 0.01}, {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3}],
    "Muon": [
        {"learning_rate": 0.02},
        {"learning_rate": 0.02, "exclude_layers": ["last"], "rms_rate": None, "nesterov": False},
        {"adam_weight_decay": None, "weight_decay": 0.1, "ns_steps": 3, "momentum": 0.8},
        {"adam_lr_ratio": 0.3, "adam_beta_1": 0.8, "muon_a": 2.0, "muon_b": -1.5, "muon_c": 0.5},
    ],
    "ScheduleFreeAdamW": [
        {"learning_rate": 0.01},
        {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-4, "warmup_steps": 20, "weight_decay": 0.1},
    ],
}
# What every optimizer takes.
SHARED = {
    "weight_decay": {"weight_decay": 0.05},
    "clipnorm": {"clipnorm": 0.1},
    "clipvalue": {"clipvalue": 0.02},
    "global_clipnorm": {"global_clipnorm": 0.1},
    "ema": {"use_ema": True, "ema_momentum": 0.9},
    "ema_overwrite": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 5},
    "loss_scale": {"loss_scale_factor": 64.0},
    "accumulation": {"gradient_accumulation_steps": 3},
    "all": {
        "weight_decay": 0.02,
        "global_clipnorm": 0.5,
        "use_ema": True,
        "ema_overwrite_frequency": 4,
        "loss_scale_factor": 8.0,
        "gradient_accumulation_steps": 2,
    },
}
RATES = {"SGD": 0.05, "Adagrad": 0.05, "Adadelta": 1.0, "Ftrl": 0.1, "Lion": 0.002}

SCHEDULES = {
    "exponential": lambda s: s.ExponentialDecay(0.1, 20, 0.5),
    "exponential_stairs": lambda s: s.ExponentialDecay(0.1, 20, 0.5, staircase=True),
    "piecewise": lambda s: s.PiecewiseConstantDecay([10, 25.5, 40], [0.1, 0.05, 0.2, 0.01]),
    "polynomial": lambda s: s.PolynomialDecay(0.1, 32, 0.01, power=1.5),
    "polynomial_linear": lambda s: s.PolynomialDecay(0.1, 30),
    "polynomial_cycle": lambda s: s.PolynomialDecay(0.1, 30, 0.01, power=0.5, cycle=True),
    "inverse_time": lambda s: s.InverseTimeDecay(0.1, 10, 0.7),
    "inverse_time_stairs": lambda s: s.InverseTimeDecay(0.1, 10, 0.7, staircase=True),
    "cosine": lambda s: s.CosineDecay(0.1, 50, alpha=0.1),
    "cosine_warmup": lambda s: s.CosineDecay(0.01, 40, warmup_target=0.1, warmup_steps=12),
    "restarts": lambda s: s.CosineDecayRestarts(0.1, 10),
    "restarts_even": lambda s: s.CosineDecayRestarts(0.1, 7, t_mul=1.0, m_mul=0.8),
    "restarts_other": lambda s: s.CosineDecayRestarts(0.1, 8, t_mul=1.5, m_mul=0.9, alpha=0.05),
}
STEPS = [*range(120), 149, 150, 151, 309, 310, 311, 629, 630, 1000, 5000, 100_000]


def values_of(make):
    """The schedule at many steps, as an optimizer asks for it and of floats."""

    def run(k):
        schedule = make(k.optimizers.schedules)
        return {
            "values": np.array([float(schedule(step)) for step in STEPS], "float32"),
            "float": np.array([float(schedule(step + 0.5)) for step in STEPS[:60]], "float32"),
        }

    return run


def own_schedule(k):
    class Warm(k.optimizers.schedules.LearningRateSchedule):
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, step):
            step = k.ops.cast(step, "float32")
            return self.rate * k.ops.minimum(1.0, (step + 1) / 10) / k.ops.sqrt(step + 1)

    return Warm(0.2)


def own_optimizer(k):
    """An optimizer as Keras's guide writes one."""

    class Signs(k.optimizers.Optimizer):
        def __init__(self, learning_rate=0.01, keep=0.9, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.keep = keep

        def build(self, variables):
            super().build(variables)
            self.momentums = []
            for variable in variables:
                self.momentums.append(
                    self.add_variable_from_reference(reference_variable=variable, name="momentum")
                )

        def update_step(self, gradient, variable, learning_rate):
            learning_rate = k.ops.cast(learning_rate, variable.dtype)
            gradient = k.ops.cast(gradient, variable.dtype)
            m = self.momentums[self._get_variable_index(variable)]
            self.assign(m, m * self.keep + gradient)
            step = k.ops.tanh(k.ops.multiply(m, 3.0))
            self.assign_sub(variable, k.ops.multiply(step, learning_rate))

    return Signs(0.02, weight_decay=0.01)


def excluded(k):
    optimizer = k.optimizers.AdamW(0.01, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def callable_rate(k):
    rate = k.Variable(0.1)
    return k.optimizers.SGD(lambda: rate * 0.5)


def loss_scaled(initial, growth, **inner):
    return train(
        lambda k: k.optimizers.LossScaleOptimizer(
            k.optimizers.Adam(0.01, **inner), initial_scale=initial, dynamic_growth_steps=growth
        )
    )


def multi(k):
    """Momentum, averaged, for the first layer and Adam for the rest."""
    o = k.optimizers
    first = o.SGD(0.05, momentum=0.9, use_ema=True)
    return o.MultiOptimizer(o.OptimizerMap(o.Adam(0.01), {".*first/.*": first}))


def by_hand(k):
    """`apply` on a few gradients, one of them missing from the second step on."""
    first, second = (k.Variable(weight) for weight in WEIGHTS[:2])
    optimizer = k.optimizers.Adam(0.05, use_ema=True, gradient_accumulation_steps=2)
    optimizer.build([first, second])
    grads = [k.ops.convert_to_tensor(weight * 0.1) for weight in WEIGHTS[:2]]
    for _ in range(5):
        optimizer.apply(grads)
    optimizer.apply_gradients(zip(grads[:1], [first], strict=True))
    optimizer.apply(grads[1:], [second])
    optimizer.finalize_variable_values([first, second])
    return {
        "weight/first": first.numpy(),
        "weight/second": second.numpy(),
        "iterations": np.array(int(optimizer.iterations)),
    }


def stateless(k):
    variable = k.Variable(WEIGHTS[0])
    optimizer = k.optimizers.RMSprop(0.05, momentum=0.5)
    optimizer.build([variable])
    trained, own = [variable.numpy()], [one.numpy() for one in optimizer.variables]
    for _ in range(4):
        trained, own = optimizer.stateless_apply(own, [WEIGHTS[0]], trained)
    result = {f"weight/{i}": np.asarray(value, "float32") for i, value in enumerate(own)}
    return {**result, "weight/trained": np.asarray(trained[0]), "untouched": variable.numpy()}


TOKENS = _rng.integers(0, 9, size=(SAMPLES, 4)).astype("int32")
TABLE = _rng.normal(scale=0.5, size=(9, 3)).astype("float32")
HEAD = _rng.normal(scale=0.5, size=(12, CLASSES)).astype("float32")


def embedded(make):
    """Embeddings, of which most rows are not in a batch, and weights that are not trained."""

    def run(k):
        optimizer = make(k)
        model = k.Sequential(
            [
                k.Input((4,), dtype="int32"),
                k.layers.Embedding(9, 3),
                k.layers.Flatten(),
                k.layers.BatchNormalization(),
                k.layers.Dense(CLASSES, activation="softmax"),
            ]
        )
        ones, zeros = np.ones(12, "float32"), np.zeros(12, "float32")
        scales = [ones, zeros, zeros.copy(), ones.copy()]
        model.set_weights([TABLE, *scales, HEAD, np.zeros(3, "float32")])
        model.compile(optimizer, "sparse_categorical_crossentropy")
        # A short last batch, and a second fit that goes on where gradients are accumulated.
        for epochs in (4, 3):
            model.fit(TOKENS, Y, 24, epochs, shuffle=False, verbose=0)
        result = {f"weight/{i}": weight for i, weight in enumerate(model.get_weights())}
        for i, variable in enumerate(optimizer.variables):
            result[f"weight/state/{i}"] = np.asarray(variable.numpy(), "float32")
        return result

    return run


CASES = {
    **{
        f"embedding_{name}": embedded(lambda k, n=name, a=kwargs: getattr(k.optimizers, n)(**a))
        for name, kwargs in {
            "SGD": {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01},
            "Adam": {"learning_rate": 0.02, "clipnorm": 0.1},
            "Adagrad": {"learning_rate": 0.2, "gradient_accumulation_steps": 4},
            "Lamb": {"learning_rate": 0.02, "loss_scale_factor": 4.0},
            "Muon": {"learning_rate": 0.02, "gradient_accumulation_steps": 2},
            "Adafactor": {"learning_rate": 0.05, "global_clipnorm": 0.2},
        }.items()
    },
    **{
        f"{name}_{i}": of(name, **kwargs)
        for name, cases in OWN.items()
        for i, kwargs in enumerate(cases)
    },
    **{
        f"{name}_{shared}": of(name, learning_rate=RATES.get(name, 0.01), **kwargs)
        for name in OWN
        for shared, kwargs in SHARED.items()
    },
    **{f"schedule_{name}": values_of(make) for name, make in SCHEDULES.items()},
    **{
        f"SGD_{name}": train(lambda k, make=make: k.optimizers.SGD(make(k.optimizers.schedules)))
        for name, make in SCHEDULES.items()
    },
    "AdamW_cosine": train(
        lambda k: k.optimizers.AdamW(
            k.optimizers.schedules.CosineDecay(0.02, 60),
            weight_decay=0.1,
            gradient_accumulation_steps=2,
        )
    ),
    "Adafactor_schedule": train(
        lambda k: k.optimizers.Adafactor(k.optimizers.schedules.InverseTimeDecay(0.1, 10, 0.5))
    ),
    "own_schedule": train(lambda k: k.optimizers.Adam(own_schedule(k))),
    "own_optimizer": train(own_optimizer),
    "excluded": train(excluded),
    "callable_rate": train(callable_rate),
    "constraint": train(
        lambda k: k.optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=3),
        constraint="unit_norm",
    ),
    "frozen": train(lambda k: k.optimizers.Nadam(0.01, use_ema=True), frozen=True),
    "LossScaleOptimizer_grows": loss_scaled(4.0, 10),
    "LossScaleOptimizer_steady": loss_scaled(2.0**15, 2000, weight_decay=0.01),
    "LossScaleOptimizer_overflows": loss_scaled(1e38, 20, use_ema=True),
    "LossScaleOptimizer_accumulates": loss_scaled(8.0, 7, gradient_accumulation_steps=3),
    "MultiOptimizer": train(multi),
    "MultiOptimizer_scaled": train(
        lambda k: k.optimizers.LossScaleOptimizer(multi(k), 16.0, dynamic_growth_steps=20)
    ),
    "by_hand": by_hand,
    "stateless": stateless,
}
