"""NumPy with its BLAS: products alone."""

import numpy as np


def aligned(shape):
    """Zeros at a multiple of 64 bytes, as PyTorch's tensors are."""
    size = shape[0] * shape[1]
    room = np.zeros(size + 15, "float32")
    start = -room.ctypes.data % 64 // 4
    return room[start : start + size].reshape(shape)


class Library:
    def __init__(self):
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        self.about = f"NumPy {np.__version__} with {blas['name']} {blas['version']}"

    def product(self, m, n, k, ta, tb):
        rng = np.random.default_rng(0)
        a, b, c = (
            aligned((k, m) if ta else (m, k)),
            aligned((n, k) if tb else (k, n)),
            aligned((m, n)),
        )
        rng.random(out=a, dtype="float32")
        rng.random(out=b, dtype="float32")
        a, b = (a.T if ta else a), (b.T if tb else b)
        return lambda: np.matmul(a, b, out=c)
