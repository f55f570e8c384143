"""Conversions between class numbers and class vectors."""

import numpy as np


def to_categorical(x, num_classes: int | None = None):
    """Turns class numbers into one-hot vectors.

    Args:
        x: Whole numbers from 0 to `num_classes - 1`, of any shape. A last axis of length 1 is
            dropped.
        num_classes: Number of classes; by default the largest class number plus one.

    Returns:
        An array of zeros and ones (float64, as Keras gives it), with the class axis last. Given a
        hotloop tensor: a float32 tensor.

    Raises:
        ValueError: if `x` is empty without `num_classes`, holds something that is not a whole
            number, or a number outside [0, num_classes).
    """
    from hotloop.graph import Tensor, Variable

    if isinstance(x, Tensor | Variable):
        return _tensor_to_categorical(x, num_classes)
    given = np.asarray(x)
    if given.dtype.kind not in "biuf":
        raise ValueError(
            f"to_categorical expects class numbers in `x`, and received dtype {given.dtype}. "
            "Number the classes 0, 1, 2, … first."
        )
    if given.dtype.kind == "f" and not np.all(given == np.floor(given)):
        raise ValueError(
            "to_categorical expects whole class numbers in `x`, and received fractions or NaN."
        )
    classes = given.astype(np.int64)
    shape = classes.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    classes = classes.reshape(-1)
    if num_classes is None:
        if classes.size == 0:
            raise ValueError(
                "to_categorical received an empty `x` and no `num_classes`: the number of classes "
                "cannot be inferred. Pass `num_classes`."
            )
        num_classes = int(classes.max()) + 1
    if classes.size and (classes.min() < 0 or classes.max() >= num_classes):
        wrong = classes.min() if classes.min() < 0 else classes.max()
        raise ValueError(
            f"to_categorical expects class numbers in [0, {num_classes}), and `x` holds {wrong}."
        )
    one_hot = np.zeros((classes.size, num_classes))
    one_hot[np.arange(classes.size), classes] = 1
    return one_hot.reshape((*shape, num_classes))


def _tensor_to_categorical(x, num_classes: int | None):
    from hotloop import ops

    if num_classes is None:
        raise ValueError(
            "to_categorical on a tensor expects `num_classes`: its values are not looked at. "
            "Pass the number of classes."
        )
    if len(x.shape) > 1 and x.shape[-1] == 1:
        x = ops.reshape(x, x.shape[:-1])
    return ops.one_hot(x, num_classes)
