"""MNIST: handwritten digits.

Copyright of the data: Yann LeCun, Corinna Cortes, Christopher Burges; CC BY-SA 3.0.
"""

import os

from hotloop.datasets.image_set import IDX_FILES, ImageSet, Split

class_names = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")

_SET = ImageSet(
    title="MNIST",
    folder="mnist",
    archives=("mnist.npz",),
    shapes={
        "x_train": (60000, 28, 28),
        "y_train": (60000,),
        "x_test": (10000, 28, 28),
        "y_test": (10000,),
    },
    checksums={
        "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    },
    mirrors=(
        {
            "mnist.npz": "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        },
        *(
            {f"{file}.gz": f"{base}/{file}.gz" for file in IDX_FILES.values()}
            for base in (
                "https://storage.googleapis.com/cvdf-datasets/mnist",
                "https://ossci-datasets.s3.amazonaws.com/mnist",
            )
        ),
    ),
)


def load_data(path: str | os.PathLike | None = None) -> tuple[Split, Split]:
    """Loads MNIST: 60,000 training and 10,000 test images of the digits 0 to 9.

    Without `path`, these places are looked at in order: the folder `HOTLOOP_DATA_DIR`, hotloop's
    cache (`HOTLOOP_CACHE_DIR`), `~/.keras/datasets`; then it is downloaded. The contents are
    verified wherever they come from.

    Args:
        path: An `.npz` file with the arrays x_train, y_train, x_test, y_test, or a folder with the
            four IDX files. "mnist.npz", Keras's default, is looked for and downloaded as without
            `path`, unless there is such a file.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape `(n, 28, 28)`, 0 for the
        background and 255 for ink, and uint8 labels of shape `(n,)`.

    Raises:
        FileNotFoundError: if `path` does not exist.
        hotloop.datasets.DatasetContentError: if a file does not hold MNIST.
        hotloop.datasets.DatasetNotFoundError: if it is nowhere to be had.
    """
    return _SET.load(path)
