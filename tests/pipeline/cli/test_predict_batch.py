"""Uses of `predict --batch` that are refused before anything is asked of AWS."""

from __future__ import annotations

import pytest

from tests.fixtures.cli import Groundloop


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--batch"], "--batch takes one SOURCE", id="no source"),
        pytest.param(["--batch", "s3://groundloop-local/x", "--job", "y"], "--batch takes one SOURCE", id="both"),
        pytest.param(["--batch", "s3://a/b", "s3://a/c"], "--batch takes one SOURCE", id="two sources"),
        pytest.param(["--batch", "--job", "y", "--draw", "z"], "--batch takes none of", id="drawings"),
        pytest.param(["--batch", "--job", "y", "-o", "README.md"], "README.md exists already", id="file that exists"),
        pytest.param(["--job", "y"], "--job and --version are for --batch", id="job without --batch"),
        pytest.param([], "there is nothing to predict on", id="nothing"),
        pytest.param(["--batch", "--job", "y", "--version", "1"], "leave out --version", id="version of a job"),
    ],
)
def test_it_takes_one_source_or_one_job(groundloop: Groundloop, arguments: list[str], message: str) -> None:
    ran = groundloop("predict", *arguments, "-c", "configs/local.yaml")
    assert (ran.code, message in ran.error) == (1, True), ran.err
