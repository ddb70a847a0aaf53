"""RecordIO frames: what goes in comes out, and errors say where."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.local.recordio import MAGIC_BYTES, MagicError, RecordIOError, frame, read_records


def part(cflag: int, payload: bytes) -> bytes:
    """One part, written out by hand from the format's description."""
    return MAGIC_BYTES + struct.pack("<I", cflag << 29 | len(payload)) + payload + bytes(-len(payload) % 4)


def read(data: bytes) -> list[bytes]:
    return list(read_records(io.BytesIO(data)))


class Trickle(io.RawIOBase):
    """A raw stream that hands out at most three bytes at a time, as a pipe may."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, 3))


@given(st.lists(st.binary(max_size=200)))
def test_records_come_back_as_they_were_framed(payloads: list[bytes]) -> None:
    assert read(b"".join(map(frame, payloads))) == payloads


@given(st.lists(st.sampled_from([MAGIC_BYTES, b"\0", b"abc", b"\n#"]), max_size=12).map(b"".join))
def test_a_payload_that_holds_the_magic_number_comes_back(payload: bytes) -> None:
    assert read(frame(payload) + frame(b"next")) == [payload, b"next"]


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_short_reads_change_nothing(payloads: list[bytes]) -> None:
    assert list(read_records(Trickle(b"".join(map(frame, payloads))))) == payloads  # type: ignore[arg-type]


@given(st.binary(max_size=300), st.data())
def test_a_stream_cut_short_is_an_error_unless_a_record_just_ended(payload: bytes, data: st.DataObject) -> None:
    stream = frame(b"first") + frame(payload)
    length = data.draw(st.integers(0, len(stream)))
    if length in (0, len(frame(b"first")), len(stream)):
        read(stream[:length])
    else:
        with pytest.raises(RecordIOError, match="ends inside"):
            read(stream[:length])


def test_frames_are_padded_to_four_bytes_with_the_true_length_in_the_header() -> None:
    assert frame(b"abcde") == bytes.fromhex("0a23d7ce 05000000") + b"abcde\0\0\0"


def test_a_payload_beyond_29_bits_of_length_is_refused() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 1 << 29

    with pytest.raises(ValueError, match="at most 536870911 bytes"):
        frame(Huge())


def test_empty_records_are_legal() -> None:
    assert read(frame(b"") + frame(b"")) == [b"", b""]


@pytest.mark.parametrize(
    ("stream", "offset", "message"),
    [
        pytest.param(b"\xff\xd8\xff\xe0 a plain JPEG", 0, "magic number", id="no RecordIO at all"),
        pytest.param(frame(b"abcd") + b"\0" * 8, 12, "magic number", id="zeros after a record"),
        pytest.param(frame(b"abcd") + b"\x0a\x23", 12, "2 of 8 bytes", id="half a header"),
        pytest.param(part(0, b"abcdefgh")[:-3], 8, "5 of 8 bytes", id="half a payload"),
        pytest.param(part(0, b"abcde")[:-1], 8, "7 of 8 bytes", id="padding missing"),
        pytest.param(frame(b"abcd") + part(1, b"abcd"), 12, "part flag 1", id="the first part of a record"),
        pytest.param(part(2, b"abcd"), 0, "part flag 2", id="a middle part of a record"),
        pytest.param(part(3, b"abcd"), 0, "part flag 3", id="the last part of a record"),
        pytest.param(part(5, b"abcd"), 0, "part flag 5", id="an unknown flag"),
    ],
)
def test_a_broken_stream_names_the_byte(stream: bytes, offset: int, message: str) -> None:
    with pytest.raises(RecordIOError, match=message) as caught:
        read(stream)
    assert caught.value.offset == offset
    assert f"byte {offset} " in str(caught.value)


def test_only_a_wrong_magic_number_is_a_magic_error() -> None:
    with pytest.raises(MagicError):
        read(b"\0" * 16)
    with pytest.raises(RecordIOError) as caught:
        read(part(3, b""))
    assert not isinstance(caught.value, MagicError)
