"""Classes of hotloop's that belong to no family, and where Keras files them."""

from __future__ import annotations

from hotloop.dtype_policies import DTypePolicy
from hotloop.random.seed import SeedGenerator

SINGLES: dict[tuple[str, str], type] = {
    ("keras", "DTypePolicy"): DTypePolicy,
    ("keras.random", "SeedGenerator"): SeedGenerator,
}
