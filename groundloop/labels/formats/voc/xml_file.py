"""XML files, read without entities and external documents."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from groundloop.errors import UserError
from groundloop.labels.formats.disk import read_bytes


class _DoctypeError(Exception):
    pass


class _Builder(TreeBuilder):
    def doctype(self, name: str, pubid: str, system: str) -> NoReturn:
        # Called before the entities of the DOCTYPE are read.
        raise _DoctypeError


def parse_xml(path: Path) -> Element:
    """Parse the file and return the root element.

    Raises:
        UserError: not XML, or with a DOCTYPE.
    """
    parser = XMLParser(target=_Builder())  # noqa: S314 - the builder refuses what makes XML unsafe
    try:
        parser.feed(read_bytes(path))
        root: Element = parser.close()
    except _DoctypeError:
        raise UserError(f"{path}: has a DOCTYPE, which Pascal VOC does not need: remove it") from None
    except (ParseError, LookupError, ValueError) as error:
        raise UserError(f"{path}: not XML: {error}") from None
    return root
