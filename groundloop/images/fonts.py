"""Text on pictures in any script: in Pillow's own font, and for glyphs that it lacks in fonts of this computer.

Where fontconfig is installed, it names a font that has the characters; elsewhere, those that macOS, Windows and Linux
distributions bring are tried by name. A character that no font has is drawn as an empty box, and
`missing_characters` names it.
"""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby

from PIL import ImageDraw, ImageFont

# Pillow looks them up in the folders where the system keeps its fonts.
_NAMES = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "NotoSansCJK-Regular.ttc", "NotoSansJP-Regular.otf"),
    *("NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf", "NotoSansDevanagari-Regular.ttf"),
    *("NotoSansThai-Regular.ttf", "NotoEmoji-Regular.ttf", "DroidSansFallbackFull.ttf", "wqy-microhei.ttc"),
    # macOS
    *("Arial Unicode.ttf", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc", "GeezaPro.ttc", "Apple Symbols.ttf"),
    # Windows
    *("segoeui.ttf", "YuGothM.ttc", "msgothic.ttc", "msyh.ttc", "malgun.ttf", "Nirmala.ttf", "seguiemj.ttf"),
)
# No font has a glyph for it.
_NOT_A_CHARACTER = "\uffff"
_TEST_SIZE = 20
_FONTCONFIG_SECONDS = 20
_MAX_LISTED = 10

# Path or name, and the position of the font in the file.
_File = tuple[str, int]
# Pillow's own.
_OWN: _File = ("", 0)


class PictureText:
    """Text of one height.

    Args:
        size: in pixels.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._own = _load(_OWN, size)

    @property
    def height(self) -> int:
        """The height of a line, with what hangs below the baseline."""
        return int(self._own.getbbox("Ágy")[3]) + 1

    def length(self, text: str) -> float:
        """Return the width of a text in pixels."""
        return sum(font.getlength(part) for font, part in self._parts(text))

    def draw(self, draw: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, fill: str) -> None:
        """Draw a line of text.

        Args:
            corner: left and top.
        """
        left, top = corner
        baseline = top + self._own.getmetrics()[0]
        for font, part in self._parts(text):
            draw.text((left, baseline), part, fill=fill, font=font, anchor="ls")
            left += font.getlength(part)

    def _parts(self, text: str) -> Iterator[tuple[ImageFont.FreeTypeFont, str]]:
        """Cut a text where its font changes; one font for all of it looks best, if there is one."""
        letters = _printable(text)
        files: list[_File | None] = []
        for letter in letters:
            # Marks and joiners belong to the letter before them, and a space to a word.
            files.append(files[-1] if files and _combines(letter) else _file_with(letter))
        for file in dict.fromkeys(files):
            if file is not None and all(_has(file, letter) for letter in letters):
                files = [file] * len(letters)
                break
        # A name in Arabic has its score at the right, as any other: only the name runs from right to left.
        turned = _right_to_left(letters)
        runs = groupby(range(len(letters)), key=lambda place: (files[place], place in turned))
        for (file, _), places in runs:
            yield _load(file or _OWN, self._size), "".join(letters[place] for place in places)


def missing_characters(texts: Iterable[str]) -> str:
    """Return the characters that no font of this computer has, each once, in order.

    Example:
        >>> missing_characters(["nut", "bolt 3"])
        ''
    """
    letters = dict.fromkeys(letter for text in texts for letter in _printable(text))
    return "".join(letter for letter in letters if _file_with(letter) is None)


def font_note(names: Iterable[str]) -> str | None:
    """Return what to tell who looks at pictures with these names; None if every character can be drawn."""
    letters = missing_characters(names)
    if not letters:
        return None
    listed = " ".join(letters[:_MAX_LISTED]) + (" ..." if len(letters) > _MAX_LISTED else "")
    return (
        f"no font on this computer has the characters {listed}, so the picture shows empty boxes for them: install "
        "one, such as the Noto Sans of their script (https://fonts.google.com/noto)"
    )


def _printable(text: str) -> str:
    """Return the text in composed form, in which fonts know most letters, without what isn't to be seen."""
    return "".join(letter for letter in unicodedata.normalize("NFC", text) if unicodedata.category(letter) != "Cc")


def _combines(letter: str) -> bool:
    return unicodedata.category(letter) in ("Mn", "Me", "Mc", "Cf", "Zs")


@cache
def _file_with(letter: str) -> _File | None:
    """Return a font file with the character; None if there is none."""
    return next((file for file in _known_files(letter) if _has(file, letter)), None)


def _known_files(letter: str) -> Iterator[_File]:
    yield _OWN
    yield from ((name, 0) for name in _NAMES)
    yield from _by_fontconfig(letter)


def _by_fontconfig(letter: str) -> Iterator[_File]:
    """Ask fontconfig for the font that fits a character best; it may name one that lacks it."""
    program = shutil.which("fc-match")
    if program is None:
        return
    pattern = f"sans-serif:charset={ord(letter):x}"
    try:
        command = [program, "--format", "%{file}\t%{index}", pattern]
        found = subprocess.run(command, capture_output=True, text=True, timeout=_FONTCONFIG_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return
    path, _, index = found.partition("\t")
    if path and index.isdigit():
        yield path, int(index) & 0xFFFF  # the upper half is a variation of the font


def _right_to_left(letters: str) -> range:
    """Return the positions from the first to the last letter of a script that is written from right to left."""
    places = [place for place, letter in enumerate(letters) if unicodedata.bidirectional(letter) in ("R", "AL")]
    if not places:
        return range(0)
    end = places[-1] + 1
    while end < len(letters) and unicodedata.category(letters[end]) == "Mn":
        end += 1
    return range(places[0], end)


@cache
def _load(file: _File, size: int) -> ImageFont.FreeTypeFont:
    """Load a font.

    Raises:
        OSError: there is none of that name, or only with pictures of another size.
    """
    if file != _OWN:
        return ImageFont.truetype(file[0], size, index=file[1])
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101 (Pillow's wheels bring FreeType)
    return font


@cache
def _has(file: _File, letter: str) -> bool:
    """Whether a font is there and has a glyph of its own for a character: others look like that of no character."""
    try:
        font = _load(file, _TEST_SIZE)
    except OSError:
        return False
    return _combines(letter) or bytes(font.getmask(letter)) != bytes(font.getmask(_NOT_A_CHARACTER))
