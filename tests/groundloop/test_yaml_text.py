"""YAML from people's files: what is wrong is named with its line, and nothing takes long."""

from __future__ import annotations

import time

import pytest

from groundloop.yaml_text import MAX_DEPTH, YamlError, load_yaml

LAUGHS = "a0: &a0 [x]\n" + "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        pytest.param("a: 1\nb: 2024-99-99", 2, "'2024-99-99' cannot be read as timestamp", id="impossible date"),
        pytest.param("a: 0000-00-00", 1, "cannot be read as timestamp", id="year 0"),
        pytest.param("a: !!timestamp x", 1, "'x' cannot be read as timestamp", id="text as a date"),
        pytest.param("a:\n  - !!int x", 2, "'x' cannot be read as int", id="text as a number"),
        pytest.param("a: " + "9" * 5_000, 1, "cannot be read as int", id="number of 5,000 digits"),
        pytest.param("a: 1\n\tb: 2", 2, "cannot start any token", id="tab"),
        pytest.param("a: 1\nb: \x1b[2J", 2, "the control character U+001B is not allowed", id="escape character"),
        pytest.param("\0", 1, "the control character U+0000 is not allowed", id="NUL"),
        pytest.param("a: !!python/object:os.system x", 1, "could not determine a constructor", id="tag of Python"),
        pytest.param("a: 1\n{[b]: c}: 1", 2, "", id="mapping as a key"),
        pytest.param('a: "\\ud800"', 1, "cannot be read as str", id="half of a surrogate pair"),
        pytest.param("a: *b", 1, "undefined alias", id="unknown alias"),
        pytest.param("a: &a [*a]", 1, "an alias stands inside of what it repeats", id="alias of itself"),
        pytest.param(LAUGHS, 6, "more than 100,000 values", id="aliases of aliases"),
        pytest.param("a: " + "[" * 100_000, 1, f"more than {MAX_DEPTH} levels", id="100,000 lists in each other"),
        pytest.param("{a: " * 60 + "}" * 60, 1, f"more than {MAX_DEPTH} levels", id="60 mappings in each other"),
        pytest.param("- " * 60 + "a", 1, f"more than {MAX_DEPTH} levels", id="60 lists by indentation"),
        pytest.param("a: 1\n---\nb: 2", 2, "but found another document", id="two documents"),
        pytest.param("a: [1", 1, "expected ',' or ']'", id="cut off"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: str, line: int, problem: str) -> None:
    begun = time.process_time()
    with pytest.raises(YamlError) as caught:
        load_yaml(text)
    assert caught.value.line == line
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing", None),
        ("a: &x [1, 2]\nb: *x", {"a": [1, 2], "b": [1, 2]}),
        ("base: &b {c: 1}\nd:\n  <<: *b", {"base": {"c": 1}, "d": {"c": 1}}),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, "nested"),
    ],
    ids=["empty", "comment", "alias", "merge", "nested"],
)
def test_plain_values(text: str, value: object) -> None:
    loaded, _ = load_yaml(text)
    if value == "nested":
        for _ in range(MAX_DEPTH - 1):
            (loaded,) = loaded
        value = []
    assert loaded == value
