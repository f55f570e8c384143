"""What comes with `import hotloop`: all that any dense model takes to be built and trained.

These 130 modules were three fifths of a first step. A program loads them either way; loaded here,
no first request of a server and no first cell of a notebook waits for them. What only some
programs need (most layers, losses, metrics and optimizers, saving, data sets), and the loop of
`fit` and `predict`, is still loaded when it is asked for.
"""

import gc

# The most usual member of each family; what all others stand on comes with it.
import hotloop.layers.dense
import hotloop.layers.input_layer
import hotloop.losses.sparse_categorical_crossentropy
import hotloop.metrics.categorical_accuracy
import hotloop.metrics.resolve
import hotloop.metrics.sparse_categorical_accuracy
import hotloop.models.sequential
import hotloop.ops.arithmetic
import hotloop.ops.core
import hotloop.ops.creation
import hotloop.ops.crossentropy
import hotloop.ops.logic
import hotloop.ops.math
import hotloop.ops.nn
import hotloop.ops.products
import hotloop.optimizers.adam  # noqa: F401

# What has been made here stays. Gone through now, it is left alone in the middle of a first step.
if gc.isenabled():
    gc.collect(1)
