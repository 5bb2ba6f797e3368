"""fastconv: convolutional networks on a plain CPU, in Keras's words.

    models -> layers -> ops -> kernels -> C micro-kernels

Every name is loaded when it is first used, so that `import fastconv` itself loads next to nothing;
they are listed in `__init__.pyi`.
"""

from . import lazy
from ._version import __version__

__getattr__, __dir__, __all__ = lazy.names(__name__, __file__)


def show_config() -> None:
    """Print version, instruction sets and threads: what a bug report should hold."""
    import platform
    import sys

    import numpy

    from .kernels import isa, threads

    parallel = "OpenMP" if threads.has_openmp() else "none: this build has no OpenMP"
    print(f"fastconv {__version__}, Python {platform.python_version()}, NumPy {numpy.__version__}")
    print(f"platform:         {platform.platform()} ({sys.implementation.name})")
    print(f"instruction set:  {isa.active()} (this CPU: {', '.join(isa.available())}; "
          f"this build: {', '.join(isa.built())})")  # fmt: skip
    print(f"threads:          {threads.get_num_threads()} ({parallel})")
