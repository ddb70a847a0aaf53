"""An offline checker of pipeline definitions: this project's and any other.

It needs botocore's model of the API, which lies on disk: no network, no credentials, no SDK.
"""

from __future__ import annotations

from groundloop.check.checker import check_definition
from groundloop.check.findings import DefinitionCode, DefinitionFinding, Severity

__all__ = ["DefinitionCode", "DefinitionFinding", "Severity", "check_definition"]
