"""Packages that only some commands need, and that a light installation leaves out."""

from __future__ import annotations

import importlib.util

from groundloop.errors import UserError

#: By module: its name for people, and the extra of this package that brings it.
_EXTRAS = {
    "sagemaker": ("the SageMaker SDK", "aws"),
    "moto": ("moto", "local"),
    "onnx": ("onnx", "export"),
    "onnxruntime": ("onnxruntime", "onnx"),
}


def require(*modules: str) -> None:
    """Check that optional packages are installed, without importing them.

    Raises:
        UserError: one of them is not; the message has the command that installs it.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise UserError(missing_package(module))


def missing_package(module: str | None) -> str:
    """Return the message on an optional package that is not installed; empty for any other module.

    Example:
        >>> missing_package("sagemaker.core")
        "this needs the SageMaker SDK, which is not installed; run: pip install 'groundloop[aws]'"
    """
    name, _ = _EXTRAS.get(_top_level(module), ("", ""))
    return f"this needs {name}, which is not installed; run: {install_command(module)}" if name else ""


def install_command(module: str | None) -> str:
    """Return the command that installs an optional package; empty for any other module.

    Example:
        >>> install_command("moto")
        "pip install 'groundloop[local]'"
    """
    _, extra = _EXTRAS.get(_top_level(module), ("", ""))
    return f"pip install 'groundloop[{extra}]'" if extra else ""


def _top_level(module: str | None) -> str:
    """Return the package of a module, or of a distribution such as `sagemaker-core`."""
    return (module or "").partition(".")[0].partition("-")[0]
