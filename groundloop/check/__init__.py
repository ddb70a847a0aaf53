"""An offline checker of pipeline definitions: of ours and of any other.

It needs botocore's model of the API, which lies on disk: no network, no credentials, no SDK.
"""

from __future__ import annotations

from groundloop.check.checker import check_definition
from groundloop.check.findings import Code, Finding, Severity

__all__ = ["Code", "Finding", "Severity", "check_definition"]
