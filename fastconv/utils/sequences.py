"""Sequences of different lengths as one array."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import checks


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Return sequences as one array, filled up or cut to one length.

    Parameters
    ----------
    sequences : list of sequences
        Their items may be arrays, all of one shape.
    maxlen : int, optional
        Length of the result; that of the longest sequence if not given.
    dtype : dtype
    padding : "pre" or "post"
        Fill up at the beginning or at the end.
    truncating : "pre" or "post"
        Cut off the beginning or the end.
    value : number or str
        What to fill up with.

    Returns
    -------
    x : array (number of sequences, maxlen, ...)

    Raises
    ------
    ValueError
        Something is no sequence, items have different shapes, or a word is unknown.
    """
    where = "pad_sequences"
    checks.one_of(where, "padding", padding, ("pre", "post"))
    checks.one_of(where, "truncating", truncating, ("pre", "post"))
    try:
        lengths = [len(sequence) for sequence in sequences]
    except TypeError:
        raise ValueError(f"{where}: sequences must be a list of sequences.") from None
    if maxlen is None:
        maxlen = max(lengths, default=0)
    else:
        maxlen = checks.as_int(where, "maxlen", maxlen, 0)
    kind = np.dtype(dtype).kind
    if isinstance(value, str) and kind not in "OSU":
        raise ValueError(f"{where}: value is a string, so dtype must be object, got {dtype}.")
    filled = [np.asarray(sequence) for sequence in sequences if len(sequence)]
    shapes = {sequence.shape[1:] for sequence in filled}
    if len(shapes) > 1:
        raise ValueError(
            f"{where}: items of all sequences must have the same shape, got {sorted(shapes)}."
        )
    x = np.full((len(lengths), maxlen, *(shapes.pop() if shapes else ())), value, dtype)
    for row, sequence in zip(x, sequences, strict=True):
        kept = min(len(sequence), maxlen)
        if not kept:
            continue
        part = sequence[:kept] if truncating == "post" else sequence[len(sequence) - kept :]
        if padding == "post":
            row[:kept] = part
        else:
            row[maxlen - kept :] = part
    return x
