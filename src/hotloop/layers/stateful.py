"""Stateful: what a layer adds to itself, weights and losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop import constraints, regularizers
from hotloop.graph import Tensor, Variable, current_scope, structure
from hotloop.layers.composite import Composite
from hotloop.layers.context import current_path, name_scope
from hotloop.layers.weight import make_weight, positional
from hotloop.ops import tree
from hotloop.ops.naming import auto_name


class Stateful(Composite):
    """What `Layer` offers to `build` and `call`: `add_weight` and `add_loss`."""

    # How often what a plan takes as constant (a vocabulary, say) has been replaced.
    _constants_version = 0
    # Set by Layer.
    _losses: list[Tensor]

    def add_weight(
        self,
        *args: Any,
        shape: Sequence[int] | int | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """A new variable of the layer.

        Args:
            shape: ints; a scalar by default. It, `initializer` and `dtype` may be positional.
            initializer: default Glorot uniform for floats and zeros for others.
            dtype: `"float32"` (default), `"int32"` or `"bool"`.
            trainable: whether the optimizer changes it.
            regularizer: penalty that joins `losses`.
            constraint: projection applied after each update.
            name: last part of the variable's path.
            autocast, aggregation: accepted for Keras's sake; there is one dtype and one replica.

        Raises:
            ValueError: a shape that is not made of whole numbers; a layer that is built already.
            NotImplementedError: `overwrite_with_gradient=True`.
        """
        self._check_super_called()
        shape, initializer, dtype = positional(args, shape, initializer, dtype)
        if overwrite_with_gradient:
            raise NotImplementedError(
                "add_weight() does not implement the argument `overwrite_with_gradient` yet."
            )
        name = name or auto_name("variable")
        variable = make_weight(self.name, name, shape, initializer, dtype, trainable)
        with name_scope(self):
            variable.path = f"{current_path()}/{name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        self._track_variable(variable)
        return variable

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """`add_weight` under its other name."""
        return self.add_weight(
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=trainable,
            autocast=autocast,
            regularizer=regularizer,
            constraint=constraint,
            name=name,
        )

    # Losses

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar (or a nest of them) to the loss of the step; for use inside `call`."""
        for x in tree.flatten(loss):
            if not isinstance(x, Tensor):
                raise ValueError(
                    "`add_loss()` can only be called from inside `build()` or `call()`, on a "
                    f"tensor input. Received invalid value: {x!r}"
                )
            self._losses.append(x)

    @property
    def losses(self) -> list[Tensor]:
        """What `add_loss` collected in the last call, then the penalties on trainable weights."""
        scope = current_scope()
        serial = scope.serial if scope is not None else 0
        # A traced loss means nothing outside the trace that made it.
        collected = [
            loss
            for layer in self._flatten_layers()
            for loss in layer._losses
            if loss.origin in (0, serial)
        ]
        penalties = [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]
        return collected + penalties

    def _forget_plans(self) -> None:
        """Makes every model that holds this layer compile anew: its constants are others now."""
        self._constants_version += 1
        structure.mark()

    def _clear_losses(self) -> None:
        for layer in self._flatten_layers():
            layer._losses.clear()
