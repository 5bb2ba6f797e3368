"""Objects to Keras's config dictionaries and back.

A config is `{"module": ..., "class_name": ..., "config": {...}, "registered_name": ...}`. Reading
one only ever looks its class up in a closed table: nothing is imported or called by a name
that comes from a file.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from . import naming
from .ops import checks

Self = TypeVar("Self", bound="Configurable")


class Configurable:
    """Base of objects that are described by their constructor arguments.

    A subclass lists in `config_keys` those arguments that it keeps as attributes of the same name.
    """

    config_keys: ClassVar[tuple[str, ...]] = ()
    #: Module that Keras exports the class from, where that is not "keras.<family>".
    keras_module: ClassVar[str | None] = None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments as a dictionary that JSON can hold."""
        return {name: serialize(getattr(self, name)) for name in self.config_keys}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Return a new object made from what `get_config` returned, here or in Keras.

        Settings that this class does not have, as other versions of Keras write them, are left
        out with a warning if their value is None or False; else they are an error.
        """
        known = parameters(cls)
        idle = [key for key in config if key not in known and config[key] in (None, False)]
        if idle:
            warnings.warn(
                f"{cls.__name__}: ignored unknown settings without effect: {', '.join(idle)}.",
                stacklevel=2,
            )
        return cls(**{key: config[key] for key in config if key not in idle})


def parameters(cls: type) -> set[str]:
    """Return the names of all constructor arguments of a class and its bases."""
    import inspect  # slow to load, and only needed for files and for messages

    names: set[str] = set()
    for base in cls.__mro__:
        if "__init__" in vars(base):
            names.update(inspect.signature(vars(base)["__init__"]).parameters)
    return names - {"self", "args", "kwargs"}


def serialize(obj: Any) -> Any:
    """Return `obj` in the form it has in a Keras config.

    Numbers, strings, None and sequences stay as they are, registered functions become their
    name, objects with `get_config` become a dictionary.

    Raises
    ------
    TypeError
        `obj` is anything else, for instance a function that fastconv does not know.
    """
    if obj is None or isinstance(obj, (bool, int, float, str, tuple, list)):
        return obj
    registered_name = getattr(obj, "registered_name", None)
    if isinstance(registered_name, str):
        return registered_name
    cls = type(obj)
    if not hasattr(cls, "get_config"):
        raise TypeError(
            f"serialize: {cls.__name__} objects cannot be written to a config; "
            f"use a class with get_config() and from_config()."
        )
    package, _, rest = cls.__module__.partition(".")
    own = package == __name__.partition(".")[0]
    family = f"keras.{rest.partition('.')[0]}" if own else cls.__module__
    return {
        "module": getattr(cls, "keras_module", None) or family,
        "class_name": cls.__name__,
        "config": obj.get_config(),
        "registered_name": None if own else cls.__name__,
    }


def deserialize(
    config: Any,
    table: Mapping[str, Any],
    what: str,
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Return the object that a name or config dictionary stands for.

    Parameters
    ----------
    config : str or dict
        A name in `table`, or what `serialize` returned.
    table : dict of str to class or ready object
        All that can come out; classes are made with `from_config`.
    what : str
        Kind of object, for messages: "initializer", "layer" ...
    custom_objects : dict of str to class, optional
        The caller's own additions to `table`.

    Raises
    ------
    ValueError
        `config` is neither, or its name is unknown.
    """
    options: Any = None
    if isinstance(config, str):
        name = config
    elif isinstance(config, Mapping) and isinstance(config.get("class_name"), str):
        name, options = config["class_name"], config.get("config")
        if name == "function" and isinstance(options, str):
            # Keras writes a plain function as class "function" with its name for config.
            name, options = options, None
    else:
        raise ValueError(
            f"Could not interpret {what} identifier: it must be a name or a config with a "
            f"class_name, got {type(config).__name__}."
        )
    known = {**table, **(custom_objects or {})}
    if name not in known:
        raise ValueError(
            f"Could not interpret {what} identifier: {name}.{checks.did_you_mean(name, known)}"
        )
    found: Any = known[name]
    if not isinstance(found, type):
        return found
    maker: Any = found  # every class in a table is Configurable, which `type` does not say
    return maker.from_config(options or {})


def get(identifier: Any, table: Mapping[str, Any], what: str, ready: Callable[[Any], bool]) -> Any:
    """Return what users may pass as `what`: None, a name, a config, a class or an instance.

    Parameters
    ----------
    ready : function of the identifier
        Whether an instance that is not from `table` will do.

    Raises
    ------
    ValueError
        The identifier is none of these, or unknown.
    """
    if identifier is None:
        return None
    if isinstance(identifier, (str, Mapping)):
        return deserialize(identifier, table, what)
    made = identifier() if isinstance(identifier, type) else identifier
    if ready(made):
        return made
    raise ValueError(
        f"Could not interpret {what} identifier: got an object of type {type(made).__name__}."
    )


def name_table(classes: Iterable[type], aliases: Mapping[str, type]) -> dict[str, type]:
    """Return a lookup table with each class under its name, in snake_case, and all aliases."""
    table = dict(aliases)
    for cls in classes:
        table[cls.__name__] = table[naming.to_snake_case(cls.__name__)] = cls
    return table
