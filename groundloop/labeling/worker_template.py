"""Worker task templates: the pages that Ground Truth and A2I show to workers.

Sources: SageMaker developer guide, "crowd-bounding-box", "crowd-image-classifier" (its `overlay` for verification) and
"Create a custom worker task template". The templates are Liquid; the services fill in `task.input`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from groundloop.spec.labeling_jobs import TaskType

#: The name of the form's element, under which an answer holds its boxes.
ELEMENT = "boundingBox"
_SCRIPT = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
_IMAGE = "{{ task.input.taskObject | grant_read_access }}"
_COMMENT = "<worker-comment>What is wrong?</worker-comment>"
_LABELS = "{{ task.input.labels | to_json | escape }}"


def labeling_template(
    task: TaskType, title: str, instructions: str, earlier: str | None = None, classes: Sequence[str] = ()
) -> str:
    """Return the template of a labelling job.

    Args:
        task: the job's task type.
        title: what the workers are asked to do, above the image.
        instructions: plain text; an empty line begins a paragraph.
        earlier: for adjustment and verification, the label attribute with the labels to look at.
        classes: for verification, names of the boxes' classes; what workers choose from is in the job's categories.

    Example:
        >>> "initial-value" in labeling_template(TaskType.ADJUSTMENT, "Correct the boxes", "", "boxes")
        True
    """
    if task is TaskType.VERIFICATION:
        names = _text(json.dumps(list(classes), ensure_ascii=False))
        overlay = f"""{{ "boundingBox": {{ "labels": {names}, "value": {_boxes_of(earlier)} }} }}"""
        attributes = {"categories": _LABELS, "overlay": overlay}
        return _page("crowd-image-classifier", title, instructions, attributes, _COMMENT)
    attributes = {"labels": _LABELS}
    if task is TaskType.ADJUSTMENT:
        attributes["initial-value"] = _boxes_of(earlier)
    return _page("crowd-bounding-box", title, instructions, attributes)


def review_template(title: str, instructions: str) -> str:
    """Return the template of A2I's human loops, with the boxes of the loop's input to begin with.

    Args:
        title: what the workers are asked to do, above the image.
        instructions: plain text; an empty line begins a paragraph.
    """
    initial = "{{ task.input.initialValue | to_json | escape }}"
    return _page("crowd-bounding-box", title, instructions, {"labels": _LABELS, "initial-value": initial})


def _boxes_of(attribute: str | None) -> str:
    """Return Liquid that lists the boxes of a manifest line's label, with their class names.

    The values of `task.input` are escaped for HTML by the service.
    """
    line = f"task.input.manifestLine.{attribute}"
    fields = ", ".join(f'"{side}": {{{{ box.{side} }}}}' for side in ("left", "top", "width", "height"))
    quoted = fields.replace('"', "&quot;")
    return (
        f"[{{% for box in {line}.annotations %}}"
        "{% capture class_id %}{{ box.class_id }}{% endcapture %}"
        f"{{% assign label = {line}-metadata.class-map[class_id] %}}"
        f"{{ &quot;label&quot;: {{{{ label | to_json | escape }}}}, {quoted} }}"
        "{% unless forloop.last %}, {% endunless %}{% endfor %}]"
    )


def _page(element: str, title: str, instructions: str, attributes: dict[str, str], inside: str = "") -> str:
    paragraphs = "".join(f"<p>{_text(part.strip())}</p>" for part in instructions.split("\n\n") if part.strip())
    text = paragraphs or f"<p>{_text(title)}</p>"
    given = "".join(f'\n    {name}="{value.replace(chr(34), "&quot;")}"' for name, value in attributes.items())
    return f"""{_SCRIPT}
<crowd-form>
  <{element}
    name="{ELEMENT}"
    src="{_IMAGE}"
    header="{_text(title)}"{given}
  >
    <full-instructions header="Instructions">{text}</full-instructions>
    <short-instructions>{text}</short-instructions>
    {inside}
  </{element}>
</crowd-form>
"""


def _text(text: str) -> str:
    """Escape a text for HTML and for Liquid, which would look for expressions in it."""
    return escape(text).replace("{", "&#123;").replace("}", "&#125;")
