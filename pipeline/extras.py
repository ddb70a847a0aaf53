"""Packages that only some commands need, and that a light installation leaves out."""

from __future__ import annotations

import importlib.util

from groundloop.errors import UserError

#: By module: what it is, and the extra of this package that brings it.
EXTRAS = {
    "sagemaker": ("the SageMaker SDK", "aws"),
    "moto": ("moto, on which the offline AWS is built", "local"),
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
        "the SageMaker SDK is not installed; run: pip install 'groundloop[aws]'"
    """
    what, extra = EXTRAS.get((module or "").partition(".")[0].partition("-")[0], ("", ""))
    return f"{what} is not installed; run: pip install 'groundloop[{extra}]'" if extra else ""
