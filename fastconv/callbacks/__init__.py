"""Callbacks: objects whose hooks `fit`, `evaluate` and `predict` call.

    on_train_begin
        on_epoch_begin(epoch)
            on_train_batch_begin(batch), on_train_batch_end(batch, logs), ...
            on_test_begin, on_test_batch_..., on_test_end(logs)          if there is validation
        on_epoch_end(epoch, logs)
    on_train_end(logs)

Evaluating and predicting alone call the hooks of their own name.
"""

from __future__ import annotations

from .backup_and_restore import BackupAndRestore
from .callback import Callback, CallbackList
from .csv_logger import CSVLogger
from .early_stopping import EarlyStopping
from .history import History
from .learning_rate import LearningRateScheduler, ReduceLROnPlateau
from .model_checkpoint import ModelCheckpoint
from .progbar_logger import ProgbarLogger
from .simple import LambdaCallback, TerminateOnNaN
from .swap_ema_weights import SwapEMAWeights
from .tensorboard import TensorBoard

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
