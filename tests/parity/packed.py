"""Many small arrays in one file: `.npz` alone spends 250 bytes on each of them."""

import numpy as np


def save(path, arrays):
    """Writes `arrays` (name -> array) as float32."""
    flat = {name: np.asarray(value, "float32") for name, value in arrays.items()}
    np.savez_compressed(
        path,
        names=np.array(list(flat)),
        shapes=np.array([",".join(map(str, value.shape)) for value in flat.values()]),
        values=np.concatenate([value.reshape(-1) for value in flat.values()]),
    )


def load(path):
    """The arrays that `save` wrote, by name."""
    with np.load(path, allow_pickle=False) as file:
        names, shapes, values = file["names"], file["shapes"], file["values"]
    arrays, start = {}, 0
    for name, text in zip(names.tolist(), shapes.tolist(), strict=True):
        shape = tuple(int(dim) for dim in text.split(",") if dim)
        stop = start + int(np.prod(shape, dtype=np.int64))
        arrays[name] = values[start:stop].reshape(shape)
        start = stop
    return arrays
