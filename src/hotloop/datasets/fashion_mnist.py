"""Fashion-MNIST: photographs of clothes. Copyright of the data: Zalando SE, MIT licence."""

import os

from hotloop.datasets.image_set import IDX_FILES, ImageSet, Split

class_names = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_SET = ImageSet(
    title="Fashion-MNIST",
    folder="fashion-mnist",
    archives=("fashion-mnist.npz", "fashion_mnist.npz"),
    shapes={
        "x_train": (60000, 28, 28),
        "y_train": (60000,),
        "x_test": (10000, 28, 28),
        "y_test": (10000,),
    },
    checksums={
        "x_train": "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
        "y_train": "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        "x_test": "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
        "y_test": "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    },
    mirrors=tuple(
        {f"{file}.gz": f"{base}/{file}.gz" for file in IDX_FILES.values()}
        for base in (
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        )
    ),
)


def load_data(path: str | os.PathLike | None = None) -> tuple[Split, Split]:
    """Loads Fashion-MNIST: 60,000 training and 10,000 test images of ten kinds of clothes.

    Without `path`, these places are looked at in order: the folder `HOTLOOP_DATA_DIR`, hotloop's
    cache (`HOTLOOP_CACHE_DIR`), `~/.keras/datasets`; then it is downloaded. The contents are
    verified wherever they come from. `class_names` names the labels.

    Args:
        path: An `.npz` file with the arrays x_train, y_train, x_test, y_test, or a folder with the
            four IDX files.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape `(n, 28, 28)`, 0 for the
        background, and uint8 labels of shape `(n,)`.

    Raises:
        FileNotFoundError: if `path` does not exist.
        hotloop.datasets.DatasetContentError: if a file does not hold Fashion-MNIST.
        hotloop.datasets.DatasetNotFoundError: if it is nowhere to be had.
    """
    return _SET.load(path)
