"""What lies in the open, the same for everybody: each file here is one layer, told wholly by its spec.

Whatever stands in this folder is a layer of the service: there is no list to add it to. Nothing here knows of residents
([A2]), and no layer here knows another.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from layers.specs import LayerSpec


def _read_folder() -> tuple[LayerSpec, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(spec for name in names for spec in import_module(f"{__name__}.{name}").SPECS)


SPECS = _read_folder()
