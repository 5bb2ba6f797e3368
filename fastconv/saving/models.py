"""save_model and load_model: whole models, in the format that the file's name or content says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import progress
from ..files import as_path, check_readable, replacing
from ..layers.budget import WeightBudget
from . import limits, weights
from .paths import endings_of, is_file_object
from .portable import portable

if TYPE_CHECKING:
    from ..models.model import Model
    from . import archive  # slow to load, as is legacy_model: with the first file

ENDINGS = (".keras", ".h5", ".hdf5")
_HDF5 = b"\x89HDF"


def save_model(
    model: Model,
    filepath: Any,
    overwrite: bool = True,
    zipped: Any = None,
    include_optimizer: bool = True,
    save_format: Any = None,
) -> None:
    """Write a model: its layers, weights, the arguments of compile() and the optimizer's state.

    Parameters
    ----------
    model : Model
    filepath : str, path or binary file object
        Ends in .keras, or in .h5 for the older format. A file object gets the .keras format. The
        file takes the place of an old one when it is complete.
    overwrite : bool
    zipped : True or None
        Accepted for Keras's sake.
    include_optimizer : bool
        False leaves out the arguments of compile() and the optimizer's state.
    save_format : "keras" or "h5", optional
        Of older versions of Keras. It must agree with the ending.

    Raises
    ------
    FileExistsError
        The file exists and `overwrite` is false.
    FileNotFoundError
        There is no such folder.
    TypeError
        Something in the model cannot be written: a lambda, a class without get_config().
    ValueError
        The name ends otherwise.
    """
    where = f"{model.where}: save"
    if zipped not in (None, True):
        raise ValueError(f"{where}: models are saved as one file: leave zipped out.")
    if not model.built:
        progress.warn(f"{where}: the model is not built: the file will hold no weights.")
    if is_file_object(filepath):
        _write_archive(filepath, model, include_optimizer)
        return
    path = as_path(where, filepath, endings_of(where, save_format, ENDINGS))
    with replacing(where, path, overwrite) as new:
        if path.endswith(".keras"):
            _write_archive(new, model, include_optimizer)
        else:
            from . import legacy_model

            legacy_model.write(new, model, include_optimizer)


def load_model(
    filepath: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Model:
    """Read a model that `save_model`, here or in Keras, wrote.

    Parameters
    ----------
    filepath : str, path or binary file object
        A .keras or .h5 file; what it holds decides, not its name.
    custom_objects : dict of str to class or function, optional
        Your own layers, losses ... beside those that are registered.
    compile : bool
        Whether to call compile() with the arguments in the file.
    safe_mode : bool
        Refuse Lambda layers. Without it, a Lambda layer's function is looked up by its name in
        `custom_objects` and among what is registered; code in a file is never run.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is damaged, is no model, or holds something that fastconv does not know.
    """
    where = "load_model"
    file: Any = filepath
    if is_file_object(filepath):
        name, size = "the file", filepath.seek(0, os.SEEK_END)
        filepath.seek(0)
        head = filepath.read(4)
        filepath.seek(0)
    else:
        name = file = as_path(where, filepath, ("",))
        check_readable(where, name)
        size = os.path.getsize(name)
        with open(name, "rb") as opened:
            head = opened.read(4)
    if head == _HDF5:
        from . import legacy_model

        return legacy_model.read(where, file, name, size, custom_objects, compile, safe_mode)
    if not name.endswith(ENDINGS) and head[:2] != b"PK" and not is_file_object(file):
        raise ValueError(
            f"{where}: {name} is neither a .keras nor an .h5 file. Other formats, such as "
            f"TensorFlow's SavedModel, are not supported."
        )
    from . import archive

    with archive.opened(where, file) as members:
        return _read_archive(f"{where}: {name}", members, custom_objects, compile, safe_mode)


def _write_archive(file: Any, model: Model, include_optimizer: bool) -> None:
    import json

    from ..models import config
    from . import archive

    text = json.dumps(portable(config.to_config(model, compiled=include_optimizer)))
    archive.write(file, model, text, include_optimizer)


def _read_archive(
    where: str, members: archive.Members, custom_objects: Any, compile: bool, safe_mode: bool
) -> Model:
    from ..models import config

    description = members.config()
    with WeightBudget(limits.allowance(members.size), where):
        model = config.from_config(where, description, custom_objects, compile, safe_mode)
    if model.weights:
        with members.weights() as file:
            weights.read(where, file, model)
    return model
