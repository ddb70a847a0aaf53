"""The words of boxes lie on the picture, and on one another only where there is no other place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from groundloop.report.tags import Tag, TagPosition, place_tags

SIZE = (640, 480)
FONT = 20.0
_boxes = st.tuples(*(st.floats(0, 400) for _ in range(2)), *(st.floats(400, 480) for _ in range(2)))


def _apart(one: TagPosition, other: TagPosition) -> bool:
    across = one.left + one.width <= other.left or other.left + other.width <= one.left
    return across or one.top + one.height <= other.top or other.top + other.height <= one.top


@given(st.lists(st.builds(Tag, _boxes, st.text("abc", min_size=1, max_size=20), st.booleans()), max_size=30))
def test_words_lie_on_the_picture_and_needed_ones_are_all_there(tags: list[Tag]) -> None:
    places = place_tags(tags, FONT, SIZE)
    for tag, at in zip(tags, places, strict=True):
        assert at is not None or not tag.required
        if at is not None:
            assert at.left >= 0
            assert at.top >= 0
            assert at.left + at.width <= SIZE[0]
            assert at.top + at.height <= SIZE[1] + 1e-9
            assert at.left < at.text_left < at.text_left + at.text_length < at.left + at.width
            assert at.top < at.baseline < at.top + at.height


@given(st.lists(st.builds(Tag, _boxes, st.text("abc", min_size=1, max_size=20), st.just(False)), max_size=30))
def test_words_that_are_not_needed_never_lie_on_others(tags: list[Tag]) -> None:
    places = [at for at in place_tags(tags, FONT, SIZE) if at is not None]
    assert all(_apart(one, other) for number, one in enumerate(places) for other in places[:number])


def test_words_go_above_the_box_or_where_there_is_room() -> None:
    box = (100.0, 100.0, 300.0, 200.0)
    first, second, third = place_tags([Tag(box, "nut 0.9")] * 3, FONT, SIZE)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.top + first.height == box[1]
    assert first.left == box[0]
    assert second.left + second.width == box[2]
    assert third.top == box[1]


def test_wide_letters_get_more_room() -> None:
    narrow, wide = (place_tags([Tag((0, 90, 9, 99), words)], FONT, SIZE)[0] for words in ("ab", "螺栓"))
    assert narrow is not None
    assert wide is not None
    assert wide.text_length > 1.5 * narrow.text_length
