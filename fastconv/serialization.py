"""Objects to Keras's config dictionaries and back.

A config is `{"module": ..., "class_name": ..., "config": {...}, "registered_name": ...}`. Reading
one only ever looks its class up in a closed table, or among what the user registered or passed:
nothing is imported or called by a name that comes from a file.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np

from . import arguments, naming
from . import custom_objects as customs
from .ops import checks

Self = TypeVar("Self", bound="Configurable")

#: `inspect.CO_VARKEYWORDS`: the code of a function with **kwargs, which refuses others itself.
_TAKES_ANY = 8


#: Settings that other versions of Keras write, with the values that mean nothing.
_IDLE: dict[str, tuple[Any, ...]] = {
    "decay": (None, 0),
    "groups": (1,),
    "is_legacy_optimizer": (False, True),
    "jit_compile": (None, False, True, "auto"),
}


class Configurable:
    """Base of objects that are described by their constructor arguments.

    A subclass lists in `config_keys` those arguments that it keeps as attributes of the same name.
    """

    config_keys: ClassVar[tuple[str, ...]] = ()
    #: Module that Keras exports the class from, where that is not "keras.<family>".
    keras_module: ClassVar[str | None] = None
    #: Whether an object that is in a file twice is read as one.
    keeps_identity: ClassVar[bool] = False
    #: Settings that other versions of Keras write and that mean nothing, whatever their value.
    idle_settings: ClassVar[tuple[str, ...]] = ()

    def __new__(cls: type[Self], *args: Any, **kwargs: Any) -> Self:
        """Refuse misspelt arguments, with a suggestion."""
        constructor = cls.__init__
        code = getattr(constructor, "__code__", None)
        if constructor is object.__init__ and (args or kwargs):
            raise TypeError(f"{cls.__name__} takes no arguments.")
        if kwargs and code is not None and not code.co_flags & _TAKES_ANY:
            arguments.no_others(cls.__name__, kwargs, constructor)
        return super().__new__(cls)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments as a dictionary that JSON can hold."""
        return {name: serialize(getattr(self, name)) for name in self.config_keys}

    @classmethod
    def from_config(cls: type[Self], config: Mapping[str, Any]) -> Self:
        """Return a new object made from what `get_config` returned, here or in Keras.

        Settings that this class does not have, as other versions of Keras write them, are left
        out with a warning if their value is None or False; else they are an error.
        """
        known = parameters(cls)  # type: ignore[arg-type]  # mypy doubts that classes have hashes
        kept = {
            key: value
            for key, value in config.items()
            if key not in cls.idle_settings and (key in known or value not in _IDLE.get(key, ()))
        }
        unknown = [key for key in kept if key not in known and kept[key] in (None, False)]
        if unknown:
            warnings.warn(
                f"{cls.__name__}: ignored unknown settings without effect: {', '.join(unknown)}.",
                stacklevel=2,
            )
        return cls(**{key: kept[key] for key in kept if key not in unknown})


@functools.lru_cache(maxsize=1024)
def parameters(cls: type) -> frozenset[str]:
    """Return the names of all constructor arguments of a class and its bases.

    Remembered: a network makes thousands of initializers, and signatures are slow to read.
    """
    import inspect  # slow to load, and only needed for files and for messages

    names: set[str] = set()
    for base in cls.__mro__:
        if "__init__" in vars(base):
            names.update(inspect.signature(vars(base)["__init__"]).parameters)
    return frozenset(names - {"self", "args", "kwargs"})


def serialize(obj: Any) -> Any:
    """Return `obj` in the form it has in a Keras config.

    Numbers, strings and None stay as they are, sequences and dictionaries are gone through,
    functions of fastconv become their name, functions of the user and objects with `get_config`
    a dictionary.

    Raises
    ------
    TypeError
        `obj` is anything else, for instance a lambda.
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, (list, tuple)):
        items = [serialize(item) for item in obj]
        return tuple(items) if isinstance(obj, tuple) else items
    if isinstance(obj, Mapping):
        return {key: serialize(value) for key, value in obj.items()}
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        value = {"value": obj.tolist(), "dtype": obj.dtype.name}
        return {"class_name": "__numpy__", "config": value} if obj.ndim else obj.item()
    registered_name = getattr(obj, "registered_name", None)
    if isinstance(registered_name, str):
        return registered_name
    if callable(obj) and hasattr(obj, "__name__") and not isinstance(obj, type):
        return _serialize_function(obj)
    cls = type(obj)
    if not hasattr(cls, "get_config"):
        raise TypeError(
            f"serialize: {cls.__name__} objects cannot be written to a config; "
            f"use a class with get_config() and from_config()."
        )
    own = is_own(cls)
    config = {
        "module": _module(cls) if own else cls.__module__,
        "class_name": cls.__name__,
        "config": obj.get_config(),
        "registered_name": None if own else customs.get_registered_name(cls),
    }
    shared = customs.shared_objects()
    if shared is not None and getattr(cls, "keeps_identity", False):
        # The object is kept, so that no other one gets its id.
        first, number, _ = shared.setdefault(id(obj), (config, len(shared), obj))
        if first is not config:
            first["shared_object_id"] = config["shared_object_id"] = number
    return config


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
        A name, or what `serialize` returned.
    table : dict of str to class or ready object
        All that can come out, beside what the user registered; classes are made with
        `from_config`.
    what : str
        Kind of object, for messages: "initializer", "layer" ...
    custom_objects : dict of str to class, optional
        The caller's own additions to `table`.

    Raises
    ------
    ValueError
        `config` is neither, its name is unknown, or the class cannot be made of it.
    """
    options: Any = None
    registered: Any = None
    if isinstance(config, str):
        name = config
    elif isinstance(config, Mapping) and isinstance(config.get("class_name"), str):
        name, options = config["class_name"], config.get("config")
        registered = config.get("registered_name")
        if name == "function" and isinstance(options, str):
            # Keras writes a plain function as class "function" with its name for config.
            name, options = options, None
    else:
        raise ValueError(
            f"Could not interpret {what} identifier: it must be a name or a config with a "
            f"class_name, got {type(config).__name__}."
        )
    known = {**table, **customs.known(custom_objects)}
    if isinstance(registered, str) and registered in known:
        name = registered
    if name not in known:
        raise ValueError(
            f"Could not interpret {what} identifier: {name}.{checks.did_you_mean(name, known)}"
            f"{_registering_hint(config)}"
        )
    found: Any = known[name]
    if not isinstance(found, type):
        return found
    options = {} if options is None else options
    if not isinstance(options, Mapping):
        raise ValueError(
            f"{what} {name}: its config must be a dictionary, got {type(options).__name__}."
        )
    shared = customs.shared_objects()
    key = (what, found, config.get("shared_object_id")) if isinstance(config, Mapping) else None
    if shared is None or key is None or not isinstance(key[2], int):
        return _make(found, options, what, name)
    if key not in shared:
        shared[key] = _make(found, options, what, name)
    return shared[key]


def _make(cls: Any, options: Mapping[str, Any], what: str, name: str) -> Any:
    """Return an object of `cls`; whatever a wrong config leads to becomes a clear message."""
    maker = getattr(cls, "from_config", None)
    try:
        return cls(**options) if maker is None else maker(options)
    except (LookupError, AttributeError, ArithmeticError, AssertionError) as error:
        raise ValueError(
            f"{what} {name}: its config is not valid: {type(error).__name__}: {error}"
        ) from error
    except RecursionError:
        raise ValueError(f"{what} {name}: its config is nested too deeply.") from None


def is_own(cls: type) -> bool:
    """Return whether this is a class of fastconv and not one of the user."""
    return cls.__module__.partition(".")[0] == __name__.partition(".")[0]


def _module(cls: type) -> str:
    """Return the module that Keras exports a class of fastconv from."""
    family = cls.__module__.split(".")[1]
    return getattr(cls, "keras_module", None) or f"keras.{family}"


def _serialize_function(function: Any) -> dict[str, Any]:
    name = customs.get_registered_name(function)
    if "<lambda>" in name:
        raise TypeError(
            "serialize: a lambda cannot be written to a config; define a function with a name and "
            "register it with register_keras_serializable()."
        )
    module = getattr(function, "__module__", None)
    return {
        "module": None if module == "__main__" else module,
        "class_name": "function",
        "config": name,
        "registered_name": name,
    }


def _registering_hint(config: Any) -> str:
    """Return what to do about a class or function that a file names and nobody knows."""
    if not isinstance(config, Mapping):
        return ""
    module = config.get("module")
    if isinstance(module, str) and module.partition(".")[0] in ("keras", "builtins"):
        return " fastconv does not have it."
    return (
        " It is not part of fastconv: register it with register_keras_serializable(), or pass "
        "custom_objects."
    )


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
