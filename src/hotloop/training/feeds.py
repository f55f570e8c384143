"""From what the user passes to the feed that `run_pass` takes its batches from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hotloop._later import Later
from hotloop.training.array_feed import ArrayFeed
from hotloop.training.loop import Order
from hotloop.training.sources import Source, SparseSource, find_source, has_sparse

if TYPE_CHECKING:
    from hotloop.training import stream_feed

    Feed = ArrayFeed | stream_feed.StreamFeed
else:
    stream_feed = Later("hotloop.training.stream_feed")


def make_feed(
    model: Any,
    mode: str,
    parts: tuple[Any, Any, Any],
    names: tuple[str, str, str] = ("x", "y", "sample_weight"),
    *,
    batch_size: int | None,
    steps: int | None,
    shuffle: bool | str = False,
    generator: np.random.Generator | None = None,
    class_weight: Any = None,
) -> Feed:
    """The feed of one `fit`, `evaluate` or `predict`, with the model built and checked for it.

    Args:
        model: the model.
        mode: "train", "test" or "predict".
        parts: `(x, y, sample_weight)` as the user gave them.
        names: what they are called in messages.
        batch_size: samples per batch, or None.
        steps: batches per epoch, or None for all.
        shuffle: False, True, or "batch".
        generator: what to draw the order of the samples from; None if every pass starts anew with
            the first sample, in the order given.
        class_weight: weight per class, or None.

    Raises:
        TypeError, ValueError: naming the argument.
    """
    source = _find_source(parts, names, batch_size, steps, shuffle, generator)
    if source is None:
        data = model._make_data(*parts, names=names)
        size = batch_size or default_batch_size(data.samples, steps)
        if mode != "predict":
            data = model._weigh_classes(data, class_weight)
            model._prepare(data, size, names[1])
        order = None if generator is None else Order(data.samples, size, shuffle, generator)
        return ArrayFeed(model, mode, data, size, order)
    restart = generator is None
    feed = stream_feed.StreamFeed(model, mode, source, names[0], class_weight, restart=restart)
    if mode != "predict" and _is_unbuilt(model, mode):
        feed.prepare()
    return feed


def _is_unbuilt(model: Any, mode: str) -> bool:
    """Whether variables would appear with the first batch, after somebody has looked at them."""
    parts = [model, model._trainer.compile_metrics]
    if mode == "train":
        parts.append(model.optimizer)
    return not all(part is None or part.built for part in parts)


def _find_source(
    parts: tuple[Any, Any, Any],
    names: tuple[str, str, str],
    batch_size: int | None,
    steps: int | None,
    shuffle: bool | str,
    generator: np.random.Generator | None,
) -> Source | None:
    """Where the batches come from, or None if they are parts of whole arrays."""
    x, y, sample_weight = parts
    source = find_source(x, shuffle, generator)
    if source is None:
        if has_sparse(x, y, sample_weight):
            return SparseSource(parts, names, batch_size, steps, shuffle, generator)
        return None
    for name, value, what in (
        (names[1], y, "the targets"),
        (names[2], sample_weight, "the sample weights"),
    ):
        if value is not None:
            raise ValueError(
                f"When `{names[0]}` is a {source.kind}, `{name}` should not be passed: {what} come "
                f"with its batches, (x, y) or (x, y, sample_weight)."
            )
    if batch_size is not None:
        raise ValueError(
            f"When `{names[0]}` is a {source.kind}, `batch_size` should not be passed: the source "
            f"makes the batches. Received: batch_size={batch_size}"
        )
    if shuffle == "batch":
        raise ValueError(
            f"shuffle='batch' needs arrays, and `{names[0]}` is a {source.kind}: let it shuffle "
            "inside of its batches itself."
        )
    if source.endless and steps is None:
        raise ValueError(
            f"`{names[0]}` is an endless {source.kind}. Pass the number of batches to take: "
            "`steps_per_epoch` to fit, `validation_steps` for validation data, `steps` to evaluate "
            "and predict."
        )
    return source


def default_batch_size(samples: int, steps: int | None) -> int:
    """Samples per batch where the user has said nothing, or only the number of batches."""
    return math.ceil(samples / steps) if steps else 32
