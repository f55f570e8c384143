"""Hand-written JAX: a whole epoch is one compiled `lax.scan` over shuffled batches.

State is donated, so that XLA updates it in place. Loss and right answers are counted, as all do.
How many steps of the loop are unrolled is chosen by trial on this machine.
"""

import functools
import itertools
import time

import jax
import jax.numpy as jnp
import numpy as np

ROWS = 32  # of train_on_batch
ENOUGH = 1.0  # seconds of a trial
UNROLLED = (1, 2, 4)  # steps of the scan


def initial(units, key):
    parameters = []
    for inputs, outputs in itertools.pairwise(units):
        key, sub = jax.random.split(key)
        limit = (6 / (inputs + outputs)) ** 0.5
        weight = jax.random.uniform(sub, (inputs, outputs), minval=-limit, maxval=limit)
        parameters.append((weight, jnp.zeros(outputs)))
    return parameters


def adam(rate, decay=0.0):
    def start(parameters):
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.zeros((), jnp.int32)

    def update(gradients, slots, parameters):
        m, v, step = slots
        step = step + 1
        scale = rate * jnp.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        m = jax.tree.map(lambda m, g: m + (g - m) * 0.1, m, gradients)
        v = jax.tree.map(lambda v, g: v + (g * g - v) * 0.001, v, gradients)
        parameters = jax.tree.map(
            lambda p, m, v: p * (1 - rate * decay) - scale * m / (jnp.sqrt(v) + 1e-7),
            parameters,
            m,
            v,
        )
        return parameters, (m, v, step)

    return start, update


def rmsprop(rate):
    def start(parameters):
        return jax.tree.map(jnp.zeros_like, parameters)

    def update(gradients, slots, parameters):
        slots = jax.tree.map(lambda v, g: 0.9 * v + 0.1 * g * g, slots, gradients)
        parameters = jax.tree.map(
            lambda p, g, v: p - rate * g * jax.lax.rsqrt(v + 1e-7), parameters, gradients, slots
        )
        return parameters, slots

    return start, update


OPTIMIZERS = {
    "adam": adam,
    "adamw": functools.partial(adam, decay=0.004),  # Keras's default
    "rmsprop": rmsprop,
}


class Library:
    def __init__(self):
        self.about = f"JAX {jax.__version__} ({jax.default_backend()})"

    def prepare(self, workload, data, purpose):
        self.define(workload)
        self.start(workload)
        self.arrays = {name: jnp.asarray(array) for name, array in data.items()}
        self.row = np.asarray(data["x_test"][:1])
        self.row_in_jax = jnp.asarray(self.row)
        self.batch = self.arrays["x_train"][:ROWS], self.arrays["y_train"][:ROWS]
        self.train = self.arrays["x_train"], self.arrays["y_train"]
        if purpose == "epochs":
            self.choice = workload["choice"]
            if self.choice:
                self.define(workload, self.choice)
            else:
                self.take(workload["trial_rows"])
                trials = {unroll: self.trial(workload, unroll) for unroll in UNROLLED}
                self.choice = min(trials, key=lambda unroll: trials[unroll][0])
                _, self.run_epoch = trials[self.choice]
            return f"whole epoch in one jitted lax.scan, {self.choice} steps unrolled"
        if purpose == "memory":
            self.epochs(1)
            return "whole epoch in one jitted lax.scan"
        return "jitted, all rows at once" if purpose == "inference" else "jitted"

    def trial(self, workload, unroll):
        """Seconds of an epoch, after one that compiles; and the function that does it."""
        self.define(workload, unroll)
        self.epochs(1)
        seconds = []
        while len(seconds) < 2 and sum(seconds) < ENOUGH:
            start = time.perf_counter()
            self.epochs(1)
            seconds.append(time.perf_counter() - start)
        return min(seconds), self.run_epoch

    def define(self, workload, unroll=1):
        """The functions, compiled when they are first called."""
        rate, dropout = workload["learning_rate"], workload["dropout"]
        batch_size, classify = workload["batch_size"], workload["task"] == "classify"
        if workload["optimizer"] not in OPTIMIZERS:
            raise NotImplementedError(f"optimizer {workload['optimizer']}")
        start, update = OPTIMIZERS[workload["optimizer"]](rate)

        def forward(parameters, x, key=None):
            for weight, bias in parameters[:-1]:
                x = jax.nn.relu(x @ weight + bias)
                if dropout and key is not None:
                    key, sub = jax.random.split(key)
                    keep = jax.random.bernoulli(sub, 1 - dropout, x.shape)
                    x = jnp.where(keep, x / (1 - dropout), 0)
            weight, bias = parameters[-1]
            return x @ weight + bias

        def loss_of(parameters, x, y, key):
            outputs = forward(parameters, x, key)
            if not classify:
                return jnp.mean((outputs - y) ** 2), jnp.zeros(())
            log_p = jax.nn.log_softmax(outputs)
            loss = -jnp.mean(jnp.take_along_axis(log_p, y[:, None], 1))
            return loss, jnp.sum(outputs.argmax(1) == y)

        def train(state, x, y):
            parameters, slots, key = state
            key, sub = jax.random.split(key)
            (loss, right), gradients = jax.value_and_grad(loss_of, has_aux=True)(
                parameters, x, y, sub
            )
            parameters, slots = update(gradients, slots, parameters)
            return (parameters, slots, key), (loss, right)

        @functools.partial(jax.jit, donate_argnums=0)
        def epoch(state, x, y):
            parameters, slots, key = state
            key, sub = jax.random.split(key)
            steps = len(x) // batch_size
            order = jax.random.permutation(sub, len(x))
            rows = order[: steps * batch_size].reshape(steps, batch_size)
            state, (losses, right) = jax.lax.scan(
                lambda state, batch: train(state, x[batch], y[batch]),
                (parameters, slots, key),
                rows,
                unroll=unroll,
            )
            total, correct = losses.sum(), right.sum()
            if len(x) % batch_size:  # the short last batch is trained on as well
                batch = order[steps * batch_size :]
                state, (loss, right) = train(state, x[batch], y[batch])
                total, correct = total + loss, correct + right
            return state, (total, correct)

        @jax.jit
        def predict(parameters, x):
            outputs = forward(parameters, x)
            return jax.nn.softmax(outputs) if classify else outputs

        self.start_slots = start
        self.run_epoch, self.run_predict = epoch, predict
        self.run_evaluate = jax.jit(lambda parameters, x, y: loss_of(parameters, x, y, None))
        self.run_step = jax.jit(train, donate_argnums=0)

    def start(self, workload):
        key = jax.random.key(0)
        parameters = initial(workload["units"], key)
        self.state = parameters, self.start_slots(parameters), key

    def take(self, rows):
        """The epoch is compiled for so many rows when it is called."""
        self.train = self.arrays["x_train"][:rows], self.arrays["y_train"][:rows]

    def epochs(self, count):
        for _ in range(count):
            self.state, results = self.run_epoch(self.state, *self.train)
            jax.block_until_ready((self.state, results))

    def evaluate(self):
        x, y = self.arrays["x_test"], self.arrays["y_test"]
        jax.block_until_ready(self.run_evaluate(self.state[0], x, y))

    def predict(self):
        np.asarray(self.run_predict(self.state[0], self.arrays["x_test"]))

    def call_one(self):
        jax.block_until_ready(self.run_predict(self.state[0], self.row_in_jax))

    def predict_one(self):
        np.asarray(self.run_predict(self.state[0], self.row))

    def train_on_batch(self):
        self.state, results = self.run_step(self.state, *self.batch)
        jax.block_until_ready((self.state, results))

    def first_step(self, workload):
        rng = np.random.default_rng(0)
        self.batch = (
            jnp.asarray(rng.random((ROWS, workload["units"][0]), dtype="float32")),
            jnp.asarray(rng.integers(0, 10, ROWS)),
        )

        def build_and_step():
            self.define(workload)
            self.start(workload)
            self.train_on_batch()

        return build_and_step
