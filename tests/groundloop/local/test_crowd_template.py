"""Of a worker task template, the portal takes one crowd-bounding-box with plain expressions."""

from __future__ import annotations

from typing import Any

import pytest

from groundloop.local.crowd_template import CrowdTemplate, TemplateError

IMAGE = "s3://bucket/a.jpg"


def template(labels: str = "{{ task.input.labels | to_json | escape }}", initial: str = "") -> CrowdTemplate:
    given = f'initial-value="{initial}"' if initial else ""
    return CrowdTemplate.parse(
        f"""<crowd-form><crowd-bounding-box name="annotatedResult" src="{{{{ task.input.taskObject |
        grant_read_access }}}}" labels="{labels}" {given}><short-instructions>Mark <i>all</i>
        parts</short-instructions></crowd-bounding-box></crowd-form>"""
    )


def test_image_labels_boxes_and_instructions_are_read() -> None:
    read = template(initial="{{ task.input.shown.boxes | to_json | escape }}")
    box = {"label": "nut", "left": 1, "top": 2.5, "width": 3, "height": 4}
    content = {"taskObject": IMAGE, "labels": ["nut", "bolt"], "shown": {"boxes": [box]}}
    assert read.name == "annotatedResult"
    assert read.instructions == "Mark all parts"
    assert read.image(content) == IMAGE
    assert read.labels(content) == ("nut", "bolt")
    assert read.initial_boxes(content) == [box]
    assert read.initial_boxes({**content, "shown": {}}) == []


@pytest.mark.parametrize(
    "labels", ["['nut', 'it\\'s']", "[&quot;nut&quot;, &quot;it's&quot;]"], ids=["single quotes", "JSON"]
)
def test_labels_may_stand_in_the_template(labels: str) -> None:
    assert template(labels).labels({}) == ("nut", "it's")


def test_labels_may_be_json_text_in_the_input() -> None:
    assert template().labels({"labels": '["nut"]'}) == ("nut",)


@pytest.mark.parametrize(
    ("attribute", "found"),
    [
        pytest.param("{% for box in task.input.manifestLine.old-boxes.annotations %}{% endfor %}", "old-boxes", id="."),
        pytest.param("{% for box in task.input.manifestLine['old'].annotations %}{% endfor %}", "old", id="[]"),
        pytest.param("{{ task.input.initialValue | to_json }}", None, id="none"),
    ],
)
def test_the_label_attribute_of_an_adjustment_is_found(attribute: str, found: str | None) -> None:
    assert template(initial=attribute).earlier_labels == found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("<crowd-form></crowd-form>", "no crowd-bounding-box", id="none"),
        pytest.param("<crowd-bounding-box></crowd-bounding-box>" * 2, "2 crowd-bounding-box", id="two"),
        pytest.param("<crowd-bounding-box src='x' labels='[]'>", "lacks the attribute name", id="no name"),
        pytest.param("<crowd-bounding-box name='a' labels='[]'>", "lacks the attribute src", id="no image"),
    ],
)
def test_other_templates_are_refused(content: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        CrowdTemplate.parse(content)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        pytest.param("{{ task.input.labels | sort }}", "filter sort", id="filter"),
        pytest.param("{% assign a = 1 %}[]", "Liquid code", id="tag"),
        pytest.param("[{{ task.input.one }}]", "Liquid code", id="part"),
    ],
)
def test_liquid_code_is_not_run(labels: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        template(labels).check_expressions()


@pytest.mark.parametrize("labels", [None, [], "nut", ["nut", "nut"], [1], {"nut": 1}], ids=repr)
def test_labels_are_a_list_of_different_names(labels: Any) -> None:
    with pytest.raises(TemplateError):
        template().labels({"labels": labels})
