"""A model with two outputs, trained by a step of its own.

It reads a digit and says whether it is even. The step adds a penalty that the two answers agree,
which no loss of a single output can say. It is traced once and runs compiled, like any other.

The environment variables EPOCHS and DATASET (mnist, synthetic_digits) change what is done.
"""

import os

import hotloop as keras
from hotloop import layers, ops

keras.utils.set_random_seed(1)
epochs = int(os.environ.get("EPOCHS", "3"))
dataset = getattr(keras.datasets, os.environ.get("DATASET", "synthetic_digits"))

(x_train, y_train), (x_test, y_test) = dataset.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0
EVEN = ops.convert_to_tensor([[1.0], [0.0]] * 5)  # of each class


class Agreeing(keras.Model):
    """The digit's probabilities and the probability of an even one, trained to agree."""

    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred)
            implied = ops.matmul(y_pred["digit"], EVEN)
            disagreement = ops.mean(ops.square(implied - y_pred["even"]))
            total = loss + 0.5 * disagreement
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(total, variables), variables)
        self._loss_tracker.update_state(total)
        logs = self.compute_metrics(x, y, y_pred)
        return {**logs, "disagreement": disagreement}


inputs = keras.Input((28, 28))
hidden = layers.Dense(64, activation="relu")(layers.Flatten()(inputs))
digit = layers.Dense(10, activation="softmax", name="digit")(hidden)
even = layers.Dense(1, activation="sigmoid", name="even")(hidden)
model = Agreeing(inputs, {"digit": digit, "even": even})
model.compile(
    optimizer="adam",
    loss={"digit": "sparse_categorical_crossentropy", "even": "binary_crossentropy"},
    loss_weights={"digit": 1.0, "even": 0.5},
    metrics={"digit": ["accuracy"], "even": ["accuracy"]},
)


def targets(y):
    return {"digit": y, "even": (y % 2 == 0).reshape(-1, 1)}


model.fit(x_train, targets(y_train), epochs=epochs, verbose=2)
results = model.evaluate(x_test, targets(y_test), verbose=0, return_dict=True)
print(f"Test accuracy: {results['digit_accuracy']:.4f} for digits,")
print(f"{results['even_accuracy']:.4f} for even or odd")
