"""Event files for TensorBoard."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from hotloop.callbacks.batch_frequency import wanted_if
from hotloop.callbacks.callback import Callback, Logs
from hotloop.callbacks.learning_rate import learning_rate_of


class TensorBoard(Callback):
    """Writes metrics, and histograms, pictures and the layers of the model, for TensorBoard.

    Needs the package tensorboardX: `pip install hotloop[tensorboard]`. Tags are Keras's: `epoch_…`,
    `batch_…` and `evaluation_…_vs_iterations`, in the folders `train` and `validation`.

    Args:
        log_dir: the folder.
        histogram_freq: epochs between two histograms of the weights; 0 for none.
        write_graph: whether to draw the layers of a Sequential or Functional model.
        write_images: whether to write weights as pictures where histograms are written.
        write_steps_per_second: whether to write how fast the training is.
        update_freq: "epoch", "batch", or the number of batches between two writes of the metrics.
        profile_batch: 0; `HOTLOOP_PROFILE=1` says where the time goes.
        embeddings_freq: 0; there is no projector file.
        embeddings_metadata: None.

    Raises:
        ImportError: tensorboardX is missing.
        NotImplementedError: `profile_batch`, `embeddings_freq` or `embeddings_metadata`.
        ValueError: another `update_freq`.
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        if profile_batch:
            raise NotImplementedError(
                "TensorBoard does not implement the argument `profile_batch`: run the program with "
                f"HOTLOOP_PROFILE=1 to see the time of each step. Received: {profile_batch!r}"
            )
        if embeddings_freq or embeddings_metadata is not None:
            raise NotImplementedError(
                "TensorBoard does not implement the arguments `embeddings_freq` and "
                f"`embeddings_metadata`. Received: {embeddings_freq!r}, {embeddings_metadata!r}"
            )
        number = isinstance(update_freq, int) and update_freq is not True and update_freq > 0
        if update_freq not in ("batch", "epoch") and not number:
            raise ValueError(
                "`update_freq` must be 'batch', 'epoch' or a positive number of batches. Received: "
                f"{update_freq!r}"
            )
        _writer_class()
        self.log_dir = str(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._writers: dict[str, Any] = {}
        self._global_train_batch = 0
        self._batch_start = self._epoch_start = 0.0
        self._batches_before = 0

    def set_model(self, model: Any) -> None:
        self._close()
        super().set_model(model)
        if self.write_graph and getattr(model, "built", False):
            # A subclassed model has no graph of layers.
            graph = getattr(model, "_functional", model)
            if getattr(graph, "_nodes", None):
                _write_layers(self._writer("train"), graph)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._global_train_batch = 0

    def on_train_end(self, logs: Logs = None) -> None:
        self._close()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch_start = time.perf_counter()
        self._batches_before = int(np.asarray(self.model.optimizer.iterations))

    @wanted_if(lambda self: self.update_freq != "epoch")
    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._batch_start = time.perf_counter()

    @wanted_if(lambda self: self.update_freq != "epoch")
    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._global_train_batch += 1
        step = self._global_train_batch
        if self.update_freq == "epoch" or step % int(self.update_freq):
            return
        writer = self._writer("train")
        if self.write_steps_per_second:
            seconds = max(time.perf_counter() - self._batch_start, 1e-9)
            writer.add_scalar("batch_steps_per_second", 1.0 / seconds, step)
        _write_scalars(writer, "batch_{}", logs or {}, step)

    def on_test_end(self, logs: Logs = None) -> None:
        optimizer = self.model.optimizer
        if optimizer is None:
            return
        step = int(np.asarray(optimizer.iterations))
        writer = self._writer("validation")
        _write_scalars(writer, "evaluation_{}_vs_iterations", logs or {}, step)
        writer.flush()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs:
            self._write_epoch(epoch, dict(logs))
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        for writer in self._writers.values():
            writer.flush()

    def _write_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        training = {name: v for name, v in logs.items() if not name.startswith("val_")}
        validation = {
            name.removeprefix("val_"): v for name, v in logs.items() if name.startswith("val_")
        }
        optimizer = self.model.optimizer
        training["learning_rate"] = learning_rate_of(
            getattr(optimizer, "inner_optimizer", optimizer)
        )
        if self.write_steps_per_second:
            done = int(np.asarray(optimizer.iterations)) - self._batches_before
            seconds = max(time.perf_counter() - self._epoch_start, 1e-9)
            training["steps_per_second"] = done / seconds
        _write_scalars(self._writer("train"), "epoch_{}", training, epoch)
        if validation:
            _write_scalars(self._writer("validation"), "epoch_{}", validation, epoch)

    def _write_weights(self, epoch: int) -> None:
        writer = self._writer("train")
        for layer in self.model.layers:
            for weight in layer.weights:
                value = weight.numpy()
                if not value.size or not np.isfinite(value).all():
                    continue  # has no histogram
                writer.add_histogram(f"{weight.path}/histogram", value, epoch)
                picture = _picture(value)
                if self.write_images and picture is not None:
                    writer.add_image(f"{weight.path}/image", picture, epoch, dataformats="HW")

    def _writer(self, name: str) -> Any:
        if name not in self._writers:
            self._writers[name] = _writer_class()(os.path.join(self.log_dir, name))
        return self._writers[name]

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def get_state(self) -> dict[str, Any]:
        return {"global_train_batch": self._global_train_batch}

    def set_state(self, state: dict[str, Any]) -> None:
        self._global_train_batch = state["global_train_batch"]


def _writer_class() -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError(
            "TensorBoard needs the package tensorboardX: pip install hotloop[tensorboard]"
        ) from error
    return SummaryWriter


def _write_scalars(writer: Any, tag: str, logs: Any, step: int) -> None:
    for name, value in logs.items():
        if np.ndim(value) == 0:
            writer.add_scalar(tag.format(name), float(value), step)


def _picture(weight: np.ndarray) -> np.ndarray | None:
    """A vector or matrix as `[height, width]` in [0, 1], lying rather than standing."""
    weight = np.squeeze(weight).astype("float32")
    if weight.ndim == 1:
        weight = weight[None]
    if weight.ndim != 2:
        return None
    weight = weight.T if weight.shape[0] > weight.shape[1] else weight
    return np.clip(weight, 0.0, 1.0)


def _write_layers(writer: Any, model: Any) -> None:
    """The layers of a functional model and what each reads, as a graph."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.graph_pb2 import GraphDef
    from tensorboardX.proto.node_def_pb2 import NodeDef

    graph, seen = GraphDef(), set()
    for node in model._nodes:
        operation = node.operation
        if operation.name in seen:
            continue
        seen.add(operation.name)
        inputs = [tensor.node.operation.name for tensor in node.inputs if tensor.node is not None]
        graph.node.append(NodeDef(name=operation.name, op=type(operation).__name__, input=inputs))
    writer.file_writer.event_writer.add_event(
        Event(graph_def=graph.SerializeToString(), wall_time=time.time())
    )
