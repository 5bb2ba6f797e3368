"""Models in files, both ways: `.keras`, `.weights.h5` and the older `.h5`, as Keras has them.

    models.py           save_model, load_model: which format, from config to model
      archive.py          .keras: a ZIP of config.json and model.weights.h5
      legacy_model.py     .h5: a whole model in one HDF5 file
      legacy_config.py    configurations of Keras 2
    objects.py          any object to its config and back
    weights.py          .weights.h5 and the weights within .keras
      tree.py             names of groups: layers within layers
      legacy_weights.py   weights within .h5, by order or by name
    state.py            what training needs to go on bit for bit
    hdf5.py limits.py   nothing is read before it is checked
    paths.py            files are replaced whole or not at all

Loading a file cannot run code: classes come from closed tables and from what the user registered,
nothing is imported by name, nothing is unpickled, Python code in a file is never looked at.
"""

from .. import lazy

__getattr__, __dir__, __all__ = lazy.names(__name__, __file__)
