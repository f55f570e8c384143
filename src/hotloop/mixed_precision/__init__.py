"""The names of `keras.mixed_precision`; the one precision there is, is float32."""

from hotloop.config import dtype_policy, set_dtype_policy
from hotloop.dtype_policies import DTypePolicy
from hotloop.optimizers import LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
