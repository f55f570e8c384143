"""The update rules of the papers in NumPy, in double precision: what optimizers are held to.

A rule is a generator: it takes `(gradient, weight)` and yields the new weight.
"""

import math

import numpy as np


def adamax(rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = u = 0.0
    new, t = None, 0
    while True:
        g, w = yield new
        t += 1
        m = beta_1 * m + (1 - beta_1) * g
        u = np.maximum(beta_2 * u, np.abs(g))
        new = w - rate / (1 - beta_1**t) * m / (u + epsilon)


def nadam(rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = v = 0.0
    new, t, product = None, 0, 1.0
    while True:
        g, w = yield new
        t += 1
        share, following = (beta_1 * (1 - 0.5 * 0.96**i) for i in (t, t + 1))
        product *= share
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        m_hat = following * m / (1 - product * following) + (1 - share) * g / (1 - product)
        new = w - rate * m_hat / (np.sqrt(v / (1 - beta_2**t)) + epsilon)


def adagrad(rate=0.001, start=0.1, epsilon=1e-7):
    total, new = start, None
    while True:
        g, w = yield new
        total = total + g * g
        new = w - rate * g / np.sqrt(total + epsilon)


def adadelta(rate=0.001, rho=0.95, epsilon=1e-7):
    square = move = 0.0
    new = None
    while True:
        g, w = yield new
        square = rho * square + (1 - rho) * g * g
        delta = np.sqrt(move + epsilon) / np.sqrt(square + epsilon) * g
        move = rho * move + (1 - rho) * delta * delta
        new = w - rate * delta


def adafactor(rate=0.001, decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, threshold=1.0):
    def rms(x):
        return np.sqrt(np.mean(x * x))

    r = c = v = 0.0
    new, t = None, 0
    while True:
        g, w = yield new
        t += 1
        keep = 1 - t**decay
        q = g * g + epsilon_1
        if g.ndim == 2:
            r = keep * r + (1 - keep) * q.mean(axis=1)
            c = keep * c + (1 - keep) * q.mean(axis=0)
            v = np.outer(r, c) / r.mean()
        else:
            v = keep * v + (1 - keep) * q
        u = g / np.sqrt(v)
        size = max(epsilon_2, rms(w)) * min(rate, 1 / math.sqrt(t))
        new = w - size * u / max(1, rms(u) / threshold)


def ftrl(rate=0.001, power=-0.5, start=0.1, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0):
    total, z, new = start, 0.0, None
    while True:
        g, w = yield new
        more = total + g * g
        sigma = (more**-power - total**-power) / rate
        z = z + g + 2 * shrinkage * w - sigma * w
        total = more
        new = (np.clip(z, -l1, l1) - z) / ((more**-power + beta) / rate + 2 * l2)


def lion(rate=0.001, beta_1=0.9, beta_2=0.99):
    m, new = 0.0, None
    while True:
        g, w = yield new
        new = w - rate * np.sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g


def lamb(rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = v = 0.0
    new, t = None, 0
    while True:
        g, w = yield new
        t += 1
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        u = m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        new = w - rate * np.linalg.norm(w) / np.linalg.norm(u) * u


def adam(rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, decay=0.0):
    m = v = 0.0
    new, t = None, 0
    while True:
        g, w = yield new
        t += 1
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g * g
        alpha = rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        new = w - rate * decay * w - alpha * m / (np.sqrt(v) + epsilon)


def muon(rate=0.001, momentum=0.95, nesterov=True, decay=0.004, factors=(3.4445, -4.775, 2.0315)):
    """Matrices by Newton-Schulz; the rest by AdamW."""
    a, b, c = factors
    m, new, other = 0.0, None, adam(rate, decay=decay)
    next(other)
    while True:
        g, w = yield new
        if g.ndim != 2:
            new = other.send((g, w))
            continue
        m = momentum * m + g
        x = g + momentum * m if nesterov else m
        x = x / np.linalg.norm(x)
        for _ in range(5):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        new = w - rate * decay * w - rate * 0.2 * math.sqrt(max(w.shape)) * x


def schedule_free(rate=0.0025, beta_1=0.9, beta_2=0.999, epsilon=1e-8, warmup=0):
    z = x = None
    v, new, t = 0.0, None, 0
    while True:
        g, w = yield new
        if z is None:
            z = x = w
        t += 1
        pace = rate * min(1, t / warmup) if warmup else rate
        v = beta_2 * v + (1 - beta_2) * g * g
        z = z - pace * g / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        x = x + (z - x) / t
        new = (1 - beta_1) * z + beta_1 * x
