"""Detections: reading, scoring, counting and drawing what a detector predicts.

Example:
    >>> from groundloop.detections import Detections
    >>> Detections.from_sagemaker(b'{"prediction": [[0, 0.9, 0.1, 0.1, 0.5, 0.5]]}', ["nut"]).names
    ['nut']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundloop.detections.predictions import Detections
    from groundloop.prediction.detector import Detector

__all__ = ["Detections", "Detector"]

# Strings instead of imports: this package stays light, and a detector stands on packages above this one.
_MODULES = {"Detections": "groundloop.detections.predictions", "Detector": "groundloop.prediction.detector"}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module 'groundloop.detections' has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)
