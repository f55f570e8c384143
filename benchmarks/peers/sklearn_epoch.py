"""scikit-learn's MLPClassifier and MLPRegressor in float32; `partial_fit` is one epoch."""

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

ROWS = 32  # of train_on_batch


class Library:
    def __init__(self):
        self.about = f"scikit-learn {sklearn.__version__}"

    def prepare(self, workload, data, purpose):
        self.configure(workload, trains=purpose != "inference")
        self.data = self.train = data["x_train"], data["y_train"].ravel()
        self.test = data["x_test"], data["y_test"].ravel()
        self.model = self.build(workload["batch_size"])
        self.single = self.build(ROWS)
        first = slice(workload["batch_size"])
        self.fit(self.model, self.train[0][first], self.train[1][first])
        if purpose == "memory":
            self.epochs(1)
        return "partial_fit, alpha=0"

    def configure(self, workload, trains=True):
        if trains and workload["optimizer"] != "adam":
            raise NotImplementedError(f"optimizer {workload['optimizer']}")
        if trains and workload["dropout"]:
            raise NotImplementedError("dropout")
        self.classify = workload["task"] == "classify"
        self.arguments = {
            "hidden_layer_sizes": workload["units"][1:-1],
            "solver": "adam",
            "alpha": 0.0,
            "learning_rate_init": workload["learning_rate"],
            "epsilon": 1e-7,
        }

    def build(self, batch_size):
        kind = MLPClassifier if self.classify else MLPRegressor
        return kind(batch_size=batch_size, **self.arguments)

    def fit(self, model, x, y):
        if self.classify:
            model.partial_fit(x, y, classes=np.arange(10))
        else:
            model.partial_fit(x, y)

    def take(self, rows):
        x, y = self.data
        self.train = x[:rows], y[:rows]

    def epochs(self, count):
        for _ in range(count):
            self.fit(self.model, *self.train)

    def evaluate(self):
        self.model.score(*self.test)

    def predict(self):
        self.outputs(self.test[0])

    def outputs(self, x):
        return self.model.predict_proba(x) if self.classify else self.model.predict(x)

    def predict_one(self):
        self.outputs(self.test[0][:1])

    def train_on_batch(self):
        self.fit(self.single, self.train[0][:ROWS], self.train[1][:ROWS])

    def first_step(self, workload):
        self.configure(workload)
        rng = np.random.default_rng(0)
        x = rng.random((ROWS, workload["units"][0]), dtype="float32")
        y = rng.integers(0, 10, ROWS)
        return lambda: self.fit(self.build(ROWS), x, y)
