"""SageMaker Pipelines for object detection: the library beneath the pipeline, importable from a notebook.

The names below are the public surface. They are imported when they are first used, so that `import groundloop` costs
next to nothing; everything else is reached through its package, such as `groundloop.labels.formats.registry`.

Example:
    >>> import groundloop
    >>> sorted(name for name in dir(groundloop) if name.startswith("read_"))
    ['read_labels', 'read_predictions']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundloop.detections.drawing import draw_labels
    from groundloop.detections.predictions import Detections
    from groundloop.detections.scoring import read_predictions, score_predictions
    from groundloop.detections.thresholds import ThresholdRule
    from groundloop.errors import UserError
    from groundloop.labels.reading import check_manifest, read_labels, write_labels
    from groundloop.report.evaluation_report import write_evaluation_report

    __version__: str

__all__ = [
    "Detections",
    "ThresholdRule",
    "UserError",
    "__version__",
    "check_manifest",
    "draw_labels",
    "read_labels",
    "read_predictions",
    "score_predictions",
    "write_evaluation_report",
    "write_labels",
]

# Strings instead of imports: a job's archive holds what its modules import, and every module imports this one.
_MODULES = {
    "Detections": "groundloop.detections.predictions",
    "ThresholdRule": "groundloop.detections.thresholds",
    "UserError": "groundloop.errors",
    "check_manifest": "groundloop.labels.reading",
    "draw_labels": "groundloop.detections.drawing",
    "read_labels": "groundloop.labels.reading",
    "read_predictions": "groundloop.detections.scoring",
    "score_predictions": "groundloop.detections.scoring",
    "write_evaluation_report": "groundloop.report.evaluation_report",
    "write_labels": "groundloop.labels.reading",
}

if not TYPE_CHECKING:  # type checkers see the imports above, and so report a misspelt name

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used (PEP 562)."""
        if name == "__version__":
            return _version()
        if name not in _MODULES:
            raise AttributeError(f"module 'groundloop' has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """List the public names too, for completion in a notebook."""
    return sorted({*globals(), *__all__})


def _version() -> str:
    """Return the installed version, or `0+unknown` where the package runs without being installed, as in a job."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("groundloop")
    except PackageNotFoundError:
        return "0+unknown"
