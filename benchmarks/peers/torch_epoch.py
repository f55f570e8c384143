"""PyTorch: the usual loop over shuffled rows that are tensors already, without a DataLoader.

The optimizer is the fused one where PyTorch has it for CPUs (Adam, AdamW), else the multi-tensor
one. Loss and gradients are eager or through `torch.compile`: whichever a trial on this machine
finds faster.
"""

import itertools
import time

import torch
from torch import nn

TRIAL_BATCHES = 256
IMAGES = 32  # of train_on_batch
DECAY = 0.004  # Keras's default for AdamW


def make_optimizer(workload, parameters):
    rate = workload["learning_rate"]
    if workload["optimizer"] == "adam":
        return torch.optim.Adam(parameters, rate, eps=1e-7, fused=True)
    if workload["optimizer"] == "adamw":
        return torch.optim.AdamW(parameters, rate, eps=1e-7, weight_decay=DECAY, fused=True)
    if workload["optimizer"] == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, alpha=0.9, eps=1e-7, foreach=True)
    raise NotImplementedError(f"optimizer {workload['optimizer']}")


class Library:
    def __init__(self):
        self.about = f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"

    def build(self, workload, compiled):
        """The model, and a function that trains on a batch and returns loss and right answers."""
        *hidden, _ = pairs = list(itertools.pairwise(workload["units"]))
        layers = []
        for pair in hidden:
            layers += [nn.Linear(*pair), nn.ReLU()]
            if workload["dropout"]:
                layers.append(nn.Dropout(workload["dropout"]))
        model = nn.Sequential(*layers, nn.Linear(*pairs[-1]))
        optimizer = make_optimizer(workload, model.parameters())
        criterion = nn.CrossEntropyLoss() if self.classify else nn.MSELoss()

        def forward(x, y):
            predicted = model(x)
            loss = criterion(predicted, y)
            right = (predicted.argmax(1) == y).sum() if self.classify else loss
            return loss, right

        if compiled:
            forward = torch.compile(forward)

        def step(x, y):
            loss, right = forward(x, y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            return loss.detach(), right.detach()

        return model, step

    def run(self, step, rows):
        x, y = self.train
        loss = right = 0
        for batch in torch.randperm(rows).split(self.batch_size):
            one_loss, one_right = step(x[batch], y[batch])
            loss += one_loss
            right += one_right
        return float(loss), float(right)

    def trial(self, workload, compiled):
        model, step = self.build(workload, compiled)
        rows = min(TRIAL_BATCHES * self.batch_size, len(self.train[0]))
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            self.run(step, rows)
            seconds.append(time.perf_counter() - start)
        return min(seconds[1:]), model, step

    def prepare(self, workload, data):
        self.classify = workload["task"] == "classify"
        self.batch_size = workload["batch_size"]
        targets = torch.int64 if self.classify else torch.float32
        self.train, self.test = (
            (torch.from_numpy(data[f"x_{part}"]), torch.from_numpy(data[f"y_{part}"]).to(targets))
            for part in ("train", "test")
        )
        trials = {"eager": self.trial(workload, False)}
        try:
            trials["compiled"] = self.trial(workload, True)
        except RuntimeError as error:  # no C++ compiler, for one
            trials["compiled"] = (float("inf"), None, None)
            print(f"torch.compile failed: {error}")
        best = min(trials, key=lambda name: trials[name][0])
        _, self.model, self.step = trials[best]
        self.epochs(1)
        times = ", ".join(f"{name} {trial[0]:.4f} s" for name, trial in trials.items())
        return f"{best} step (trials: {times})"

    def epochs(self, count):
        for _ in range(count):
            self.run(self.step, len(self.train[0]))

    @torch.inference_mode()
    def forward(self, x):
        self.model.eval()
        outputs = self.model(x)
        self.model.train()
        return outputs.softmax(1) if self.classify else outputs

    def evaluate(self):
        x, y = self.test
        outputs = self.forward(x)
        if self.classify:
            loss = -outputs.gather(1, y[:, None]).log().mean()
            float(loss), float((outputs.argmax(1) == y).float().mean())
        else:
            float(nn.functional.mse_loss(outputs, y))

    def predict(self):
        self.forward(self.test[0]).numpy()

    def call_one(self):
        self.forward(self.test[0][:1])

    def predict_one(self):
        self.forward(self.test[0][:1]).numpy()

    def train_on_batch(self):
        loss, right = self.step(self.train[0][:IMAGES], self.train[1][:IMAGES])
        float(loss), float(right)

    def product(self, m, n, k, ta, tb):
        a = torch.rand((k, m) if ta else (m, k))
        b = torch.rand((n, k) if tb else (k, n))
        c = torch.empty(m, n)
        a, b = (a.T if ta else a), (b.T if tb else b)
        return lambda: torch.mm(a, b, out=c)
