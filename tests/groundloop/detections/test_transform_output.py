from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.detections.transform_output import find_outputs, match_outputs
from groundloop.errors import UserError


@pytest.mark.parametrize(
    ("images", "outputs", "expected"),
    [
        pytest.param(["s3://b/x/a.jpg"], ["a.jpg.out"], ["a.jpg.out"], id="folders lost in the output"),
        pytest.param(["s3://b/x/a.jpg"], ["x/a.jpg.out"], ["x/a.jpg.out"], id="folders kept"),
        pytest.param(["s3://b/x/a.jpg"], ["run7/x/a.jpg.out"], ["run7/x/a.jpg.out"], id="folders added"),
        pytest.param(
            ["s3://b/x/a.jpg", "s3://b/y/a.jpg"],
            ["y/a.jpg.out", "x/a.jpg.out"],
            ["x/a.jpg.out", "y/a.jpg.out"],
            id="same file name in two folders",
        ),
        pytest.param(
            ["s3://b/a.jpg", "s3://b/x/a.jpg"],
            ["b/a.jpg.out", "x/a.jpg.out"],
            ["b/a.jpg.out", "x/a.jpg.out"],
            id="one folder's images inside another's",
        ),
        pytest.param(["s3://b/a.jpg"], ["a.jpg.out", "z.jpg.out"], ["a.jpg.out"], id="an output of another image"),
        pytest.param(["s3://b/x/a.jpg"], ["y/a.jpg.out", "x/a.jpg.out"], ["x/a.jpg.out"], id="the longer tail wins"),
        pytest.param(["s3://b/a.b.out"], ["a.b.out.out"], ["a.b.out.out"], id="a key that ends in .out"),
    ],
)
def test_an_output_goes_to_the_image_with_the_longest_common_tail(
    images: list[str], outputs: list[str], expected: list[str]
) -> None:
    assert match_outputs(images, outputs) == expected


@pytest.mark.parametrize(
    ("images", "outputs", "message"),
    [
        pytest.param(
            ["s3://b/x/a.jpg", "s3://b/y/a.jpg"],
            ["a.jpg.out"],
            "a.jpg.out fits 2 images",
            id="two images for an output",
        ),
        pytest.param(
            ["s3://b/x/a.jpg"],
            ["1/a.jpg.out", "2/a.jpg.out"],
            "1/a.jpg.out and 2/a.jpg.out",
            id="two outputs, one image",
        ),
    ],
)
def test_a_tie_is_an_error_and_no_guess(images: list[str], outputs: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        match_outputs(images, outputs)


def test_missing_outputs_are_counted_and_the_first_ones_named() -> None:
    images = [f"s3://b/{n}.jpg" for n in range(9)]
    with pytest.raises(UserError) as raised:
        match_outputs(images, ["0.jpg.out", "8.jpg.out"])
    assert "7 of 9 images have no prediction" in str(raised.value)
    assert "s3://b/1.jpg" in str(raised.value)
    assert "s3://b/7.jpg" not in str(raised.value)


def test_an_output_of_a_sibling_does_not_stand_in_for_a_missing_one() -> None:
    with pytest.raises(UserError, match=r"1 of 2 images have no prediction \(s3://b/y/a\.jpg\)"):
        match_outputs(["s3://b/x/a.jpg", "s3://b/y/a.jpg"], ["x/a.jpg.out"])


def test_outputs_are_found_in_folders(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for name in ("x/b.jpg.out", "a.jpg.out", "log.txt"):
        (tmp_path / name).touch()
    assert find_outputs(tmp_path) == [tmp_path / "a.jpg.out", tmp_path / "x/b.jpg.out"]


def test_an_empty_or_missing_folder_is_a_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no \.out file"):
        find_outputs(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        find_outputs(tmp_path / "none")


PARTS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)


@settings(deadline=None)
@given(st.lists(PARTS, unique=True), st.integers(0, 3))
def test_whole_keys_always_find_their_own_output(keys: list[str], added: int) -> None:
    images = [f"s3://bucket/{key}" for key in keys]
    outputs = [f"{'new/' * added}bucket/{key}.out" for key in keys]
    assert match_outputs(images, list(reversed(outputs))) == outputs
