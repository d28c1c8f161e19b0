"""Import torchvision, also where its compiled operators do not fit the installed torch.

A CPU-only build of torch beside the ordinary torchvision from the package index is common, and
there ``import torchvision`` stops with "operator torchvision::nms does not exist". The course uses
data sets and transforms only, and none of those operators: declaring their signatures is enough.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import torch

_MISSING = "operator torchvision::nms does not exist"
_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_libraries: list[torch.library.Library] = []  # a declaration lasts as long as its Library object


def torchvision_module(name: str) -> ModuleType:
    """Import ``torchvision.<name>``, such as ``datasets`` or ``transforms.v2``.

    Raises
    ------
    ImportError, RuntimeError
        Whatever the import raises, unless it is the missing operator and declaring it helps.
    """
    try:
        return importlib.import_module(f"torchvision.{name}")
    except RuntimeError as error:
        if _libraries or _MISSING not in str(error):
            raise
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define(f"nms{_BOXES}")
    library.define(f"qnms{_BOXES}")
    _libraries.append(library)
    return importlib.import_module(f"torchvision.{name}")
