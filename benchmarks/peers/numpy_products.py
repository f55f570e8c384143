"""NumPy with its BLAS: products alone."""

import numpy as np


class Library:
    def __init__(self):
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        self.about = f"NumPy {np.__version__} with {blas['name']} {blas['version']}"

    def product(self, m, n, k, ta, tb):
        rng = np.random.default_rng(0)
        a = rng.random((k, m) if ta else (m, k), dtype="float32")
        b = rng.random((n, k) if tb else (k, n), dtype="float32")
        c = np.empty((m, n), "float32")
        a, b = (a.T if ta else a), (b.T if tb else b)
        return lambda: np.matmul(a, b, out=c)
