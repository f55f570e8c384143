"""What can go wrong with data sets."""


class DatasetError(RuntimeError):
    """A data set cannot be had.

    Attributes:
        reason: The cause in a few words, without advice.
    """

    def __init__(self, message: str, reason: str | None = None):
        super().__init__(message)
        self.reason = reason or message


class DatasetContentError(DatasetError, ValueError):
    """A file is not what it should be: damaged, truncated, or something else."""


class DatasetNotFoundError(DatasetError):
    """A data set is nowhere on this machine, and no mirror gave it."""
