"""Callbacks: objects whose hooks `fit`, `evaluate` and `predict` call.

    on_train_begin
        on_epoch_begin(epoch)
            on_train_batch_begin(batch), on_train_batch_end(batch, logs), ...
            on_test_begin, on_test_batch_..., on_test_end(logs)          if there is validation
        on_epoch_end(epoch, logs)
    on_train_end(logs)

Evaluating and predicting alone call the hooks of their own name.
"""

from .. import lazy

__getattr__, __dir__, __all__ = lazy.names(__name__, __file__)
