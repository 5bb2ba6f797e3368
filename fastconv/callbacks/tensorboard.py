"""TensorBoard: writes logs for the program of that name."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from .callback import Callback


class TensorBoard(Callback):
    """Write metrics for TensorBoard, through the writer of the package `tensorboard`.

    Parameters
    ----------
    log_dir : str or path
        Training is written to its folder "train", validation to "validation".
    histogram_freq : int
        Every how many epochs to write histograms of the weights; 0 never.
    write_steps_per_second : bool
    update_freq : "epoch", "batch" or int
        Write the metrics of training after each epoch only, or after every so many batches too.
    write_graph, write_images, profile_batch, embeddings_freq, embeddings_metadata
        Accepted so that Keras's code runs; nothing is written for them.

    Raises
    ------
    ImportError
        The package is not installed; told when training begins.
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        self.log_dir = str(os.fspath(log_dir))
        self.histogram_freq = histogram_freq
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._writers: dict[str, Any] = {}
        self._step = 0
        self._epoch_start = (0.0, 0)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Open the first file."""
        self._step = 0
        self._writer("train")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._epoch_start = (time.time(), self._step)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the means since the epoch began, if it is time."""
        self._step += 1
        if self.update_freq != "epoch" and self._step % self.update_freq == 0:
            values = {f"batch_{name}": value for name, value in (logs or {}).items()}
            self._write("train", values, self._step)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the metrics of training and validation."""
        logs = logs or {}
        is_validation = {name: name.startswith("val_") for name in logs}
        training = {f"epoch_{k}": v for k, v in logs.items() if not is_validation[k]}
        validation = {f"epoch_{k[4:]}": v for k, v in logs.items() if is_validation[k]}
        training["epoch_learning_rate"] = self.model.optimizer.learning_rate
        if self.write_steps_per_second:
            seconds = time.time() - self._epoch_start[0]
            training["epoch_steps_per_second"] = (self._step - self._epoch_start[1]) / seconds
        self._write("train", training, epoch)
        if validation:
            self._write("validation", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            weights = {variable.path: variable.numpy() for variable in self.model.weights}
            self._write("train", weights, epoch)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _writer(self, kind: str) -> Any:
        if kind not in self._writers:
            try:
                from tensorboard.summary.writer.event_file_writer import EventFileWriter
            except ImportError as error:
                raise ImportError(
                    "TensorBoard: the package tensorboard is needed: pip install tensorboard."
                ) from error
            self._writers[kind] = EventFileWriter(os.path.join(self.log_dir, kind))
        return self._writers[kind]

    def _write(self, kind: str, values: dict[str, Any], step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        entries = []
        for name, value in values.items():
            if np.ndim(value) == 0:
                entries.append(Summary.Value(tag=name, simple_value=float(value)))
            else:
                entries.append(Summary.Value(tag=name, histo=_histogram(np.asarray(value))))
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=entries))
        self._writer(kind).add_event(event)


def _histogram(values: np.ndarray) -> Any:
    """Return the distribution of some numbers in TensorBoard's form."""
    from tensorboard.compat.proto.histogram_pb2 import HistogramProto

    values = values[np.isfinite(values)].astype(np.float64)
    if not values.size:
        return HistogramProto()
    counts, edges = np.histogram(values, bins=30)
    return HistogramProto(
        min=values.min(),
        max=values.max(),
        num=values.size,
        sum=values.sum(),
        sum_squares=np.square(values).sum(),
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )
