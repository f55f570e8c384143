"""PyTorch: the usual loop over shuffled rows that are tensors already, without a DataLoader.

The optimizer is the fused one where PyTorch has it for CPUs (Adam, AdamW), else the multi-tensor
one. What else makes PyTorch faster is chosen by trial on this machine: loss and gradients eager or
through `torch.compile`, or these and the multi-tensor optimizer compiled; likewise inference eager
or compiled, and there the size of the batches.
"""

import itertools
import time

import torch
from torch import nn

ROWS = 32  # of train_on_batch
ENOUGH = 1.0  # seconds of a trial
DECAY = 0.004  # Keras's default for AdamW
STEPS = ("eager", "compiled", "all compiled")


def make_optimizer(workload, parameters, fused):
    rate, name = workload["learning_rate"], workload["optimizer"]
    kind = {"fused": True} if fused else {"foreach": True}
    if name == "adam":
        return torch.optim.Adam(parameters, rate, eps=1e-7, **kind)
    if name == "adamw":
        return torch.optim.AdamW(parameters, rate, eps=1e-7, weight_decay=DECAY, **kind)
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, alpha=0.9, eps=1e-7, foreach=True)
    raise NotImplementedError(f"optimizer {name}")


def make_model(workload):
    *hidden, last = itertools.pairwise(workload["units"])
    layers = []
    for pair in hidden:
        layers += [nn.Linear(*pair), nn.ReLU()]
        if workload["dropout"]:
            layers.append(nn.Dropout(workload["dropout"]))
    return nn.Sequential(*layers, nn.Linear(*last))


def seconds_of(call, count):
    """The least of `count` calls, after one that may compile; fewer calls if they take long."""
    call()
    seconds = []
    while len(seconds) < count and sum(seconds) < ENOUGH:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def fastest(candidates, count):
    """The quickest of functions by name, and the trials in words. Who fails does not win."""
    trials = {}
    for name, call in candidates.items():
        try:
            trials[name] = seconds_of(call, count)
        except RuntimeError as error:  # no C++ compiler, for one
            trials[name] = float("inf")
            print(f"{name} failed: {error}")
    times = ", ".join(f"{name} {1e3 * seconds:.3g} ms" for name, seconds in trials.items())
    return min(trials, key=trials.get), times


class Library:
    def __init__(self):
        self.about = f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"

    def prepare(self, workload, data, purpose):
        self.classify = workload["task"] == "classify"
        self.batch_size = workload["batch_size"]
        targets = torch.int64 if self.classify else torch.float32
        self.train, self.test = (
            (torch.from_numpy(data[f"x_{part}"]), torch.from_numpy(data[f"y_{part}"]).to(targets))
            for part in ("train", "test")
        )
        self.data = self.train
        if purpose == "inference":
            return self.prepare_inference(workload)
        if purpose == "latency":
            return self.prepare_latency(workload)
        if purpose == "memory":
            self.step = self.make_step(workload, "eager")
            self.epochs(1)
            return "eager step"
        if workload["choice"]:
            self.choice = workload["choice"]
            self.step = self.make_step(workload, self.choice)
            return f"{self.choice} step, as before"
        self.take(workload["trial_rows"])
        steps = {name: self.make_step(workload, name) for name in STEPS}
        best, times = fastest(
            {name: lambda step=step: self.run(step) for name, step in steps.items()}, 2
        )
        self.choice, self.step = best, steps[best]
        return f"{best} step ({times})"

    def prepare_inference(self, workload):
        model = make_model(workload).eval()
        compiled = torch.compile(model)
        rows = len(self.test[0])
        candidates = {
            f"{name}, batches of {size}": (forward, size)
            for name, forward in (("eager", model), ("compiled", compiled))
            for size in sorted({min(size, rows) for size in (500, 2500, 10_000)})
        }

        def trial(forward, size):
            self.forward, self.inference_batch = forward, size
            self.predict()

        best, times = fastest(
            {name: lambda pair=pair: trial(*pair) for name, pair in candidates.items()}, 5
        )
        self.forward, self.inference_batch = candidates[best]
        return f"{best} ({times})"

    def prepare_latency(self, workload):
        """Inference with no gradients on a model that is in its state for inference already."""
        model = make_model(workload).eval()
        forwards = {"eager": model, "compiled": torch.compile(model)}
        steps = {name: self.make_step(workload, name) for name in STEPS}

        def call(forward):
            self.forward = forward
            for _ in range(100):
                self.call_one()

        def train(step):
            self.step = step
            for _ in range(20):
                self.train_on_batch()

        best, times = fastest({n: lambda f=f: call(f) for n, f in forwards.items()}, 5)
        self.forward = forwards[best]
        step, step_times = fastest({n: lambda s=s: train(s) for n, s in steps.items()}, 5)
        self.step = steps[step]
        return f"{best} call (100: {times}), {step} step (20: {step_times})"

    def make_step(self, workload, kind):
        """A function that trains on a batch and returns loss and right answers."""
        model = make_model(workload)
        optimizer = make_optimizer(workload, model.parameters(), kind != "all compiled")
        classify = workload["task"] == "classify"
        criterion = nn.CrossEntropyLoss() if classify else nn.MSELoss()

        def forward(x, y):
            predicted = model(x)
            loss = criterion(predicted, y)
            right = (predicted.argmax(1) == y).sum() if classify else loss
            return loss, right

        if kind != "eager":
            forward = torch.compile(forward)
        update = torch.compile(optimizer.step) if kind == "all compiled" else optimizer.step

        def step(x, y):
            loss, right = forward(x, y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            update()
            return loss.detach(), right.detach()

        return step

    def take(self, rows):
        x, y = self.data
        self.train = x[:rows], y[:rows]

    def run(self, step):
        x, y = self.train
        loss = right = 0
        for batch in torch.randperm(len(x)).split(self.batch_size):
            one_loss, one_right = step(x[batch], y[batch])
            loss += one_loss
            right += one_right
        return float(loss), float(right)

    def epochs(self, count):
        for _ in range(count):
            self.run(self.step)

    @torch.inference_mode()
    def outputs(self):
        parts = [self.forward(x) for x in self.test[0].split(self.inference_batch)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    @torch.inference_mode()
    def evaluate(self):
        outputs, y = self.outputs(), self.test[1]
        if self.classify:
            float(nn.functional.cross_entropy(outputs, y))
            float((outputs.argmax(1) == y).float().mean())
        else:
            float(nn.functional.mse_loss(outputs, y))

    @torch.inference_mode()
    def predict(self):
        outputs = self.outputs()
        (outputs.softmax(1) if self.classify else outputs).numpy()

    @torch.inference_mode()
    def call_one(self):
        outputs = self.forward(self.test[0][:1])
        return outputs.softmax(1) if self.classify else outputs

    def predict_one(self):
        self.call_one().numpy()

    def train_on_batch(self):
        loss, right = self.step(self.train[0][:ROWS], self.train[1][:ROWS])
        float(loss), float(right)

    def first_step(self, workload):
        x = torch.rand(ROWS, workload["units"][0])
        y = torch.randint(0, 10, (ROWS,))
        return lambda: float(self.make_step(workload, "eager")(x, y)[0])

    def product(self, m, n, k, ta, tb):
        a = torch.rand((k, m) if ta else (m, k))
        b = torch.rand((n, k) if tb else (k, n))
        c = torch.empty(m, n)
        a, b = (a.T if ta else a), (b.T if tb else b)
        return lambda: torch.mm(a, b, out=c)
