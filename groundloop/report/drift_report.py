"""The page of a drift comparison: verdicts, distributions, limits, formats, and the images most unlike the baseline."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundloop.detections.drift.comparison import Drift, GroupResult, StatisticResult
from groundloop.detections.drift.statistics import CLASS_SHARE
from groundloop.detections.drift.window import StrangeImage
from groundloop.report.distributions import DistributionChart, distribution_chart, written
from groundloop.report.gallery import Picture, picture
from groundloop.report.templating import render
from groundloop.report.worst import BoxOutcome, Mark, WorstChoice, WorstImage
from groundloop.wording import quantity

# Of a long class list, only the classes whose shares differ most have a chart.
_MAX_CLASS_CHARTS = 6
_MAX_FORMATS = 20


@dataclass(frozen=True, slots=True)
class DriftSection:
    """What the page shows of one variant, compared with the baseline of its own model.

    Attributes:
        title: such as the variant's name; "" where there is only one.
        drift: the result.
        strangest: the images most unlike the baseline's, the strangest first.
        notes: further lines for the reader.
        details: where window and baseline are from, by what each is called.
    """

    title: str
    drift: Drift
    strangest: Sequence[StrangeImage] = ()
    notes: Sequence[str] = ()
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a group in words.

    Attributes:
        look: CSS class, `met` or `missed`; "" where nothing was decided.
    """

    heading: str
    text: str
    look: str


@dataclass(frozen=True, slots=True)
class FormatRow:
    """A format, and how many images of baseline and window have it."""

    name: str
    baseline: int
    window: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A plain limit in words; `met` is None where the statistic is defined on no image."""

    statistic: str
    limit: str
    mean: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class StrangePicture:
    """A picture with the reasons why it is shown."""

    picture: Picture
    reasons: str


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section as the template shows it; `number` makes its anchors unique."""

    number: int
    title: str
    found: bool
    images: int
    baseline_images: int
    notes: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    limits: tuple[LimitRow, ...]
    answers: tuple[DistributionChart, ...]
    inputs: tuple[DistributionChart, ...]
    left_out: int
    formats: tuple[FormatRow, ...]
    formats_left_out: int
    pictures: tuple[StrangePicture, ...]
    details: Mapping[str, str]


def write_drift_report(path: Path, sections: Sequence[DriftSection], title: str = "Drift") -> Path:
    """Write the page to a file, in a folder that is made when missing, and return its path.

    Args:
        path: an existing file is replaced.
        sections: one for each variant.
        title: heading of the page.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(drift_page(sections, title))
    return path


def drift_page(sections: Sequence[DriftSection], title: str = "Drift") -> bytes:
    """Return the HTML file, which refers to nothing outside itself; equal results give equal bytes.

    Args:
        sections: one for each variant.
        title: heading of the page.
    """
    views = [_section(number, section) for number, section in enumerate(sections, start=1)]
    return render("drift.html", title=title, sections=views).encode()


def _section(number: int, section: DriftSection) -> SectionView:
    drift = section.drift
    answers, left_out = _charts(drift, drift.answers)
    formats = _formats(drift)
    return SectionView(
        number=number,
        title=section.title,
        found=drift.found,
        images=len(drift.window),
        baseline_images=len(drift.baseline.sample),
        notes=tuple(section.notes),
        verdicts=(_answers_verdict(drift), _input_verdict(drift)),
        limits=tuple(
            LimitRow(result.limit.statistic, str(result.limit), written(result.mean), result.met)
            for result in drift.limits
        ),
        answers=answers,
        inputs=_charts(drift, drift.input)[0],
        left_out=left_out,
        formats=tuple(formats[:_MAX_FORMATS]),
        formats_left_out=max(0, len(formats) - _MAX_FORMATS),
        pictures=tuple(_strange_picture(image) for image in section.strangest),
        details={"model of the baseline": drift.baseline.model or "not recorded", **_test(drift), **section.details},
    )


def _answers_verdict(drift: Drift) -> Verdict:
    group = drift.answers
    if group.undecided:
        return Verdict("Answers: not decided", _sentence(group.undecided), "")
    if not group.alarm:
        text = f"The model answers as it did on the baseline's images ({_p(group)})."
        return Verdict("Answers: no drift", text, "met")
    text = f"The model answers differently than on the baseline's images ({_p(group)}). {_differences(group)} "
    text += "Look at the images below and have some of them reviewed: only labels tell whether the answers are right."
    return Verdict("Answers: drift", text, "missed")


def _input_verdict(drift: Drift) -> Verdict:
    group = drift.input
    if group.undecided:
        return Verdict("Images: not decided", _sentence(group.undecided), "")
    if not group.alarm:
        return Verdict("Images: no drift", f"The images look like the baseline's ({_p(group)}).", "met")
    text = f"The images look different from the baseline's ({_p(group)}). {_differences(group)}"
    if drift.answers.p_value is not None and not drift.answers.alarm:
        text += " The answers have not changed with them: keep watching."
    return Verdict("Images: drift", text, "missed")


def _differences(group: GroupResult) -> str:
    changed = ", ".join(result.describe() for result in group.changed[:4])
    return f"Mean values that changed: {changed}."


def _p(group: GroupResult) -> str:
    return f"{quantity(group.images, 'image')}, p = {group.p_value:.3f}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _charts(drift: Drift, group: GroupResult) -> tuple[tuple[DistributionChart, ...], int]:
    """Return the charts of a group, and how many classes have none."""
    shares = [result for result in group.statistics if result.statistic.name.startswith(CLASS_SHARE)]
    shown: list[StatisticResult] = [result for result in group.statistics if result not in shares[_MAX_CLASS_CHARTS:]]
    charts = [
        distribution_chart(result, drift.baseline.sample, drift.window, result in group.changed) for result in shown
    ]
    return tuple(charts), len(group.statistics) - len(shown)


def _formats(drift: Drift) -> list[FormatRow]:
    baseline, window = drift.baseline.sample.formats, drift.window.formats
    rows = [
        FormatRow(str(key), baseline.get(key, 0), window.get(key, 0), key in drift.new_formats)
        for key in sorted({*baseline, *window})
    ]
    return sorted(rows, key=lambda row: (not row.is_new, -row.window, -row.baseline))


def _test(drift: Drift) -> dict[str, str]:
    test = drift.test
    thresholds = {f"{value:g}" for value in drift.baseline.thresholds.values()}
    single = len(thresholds) == 1
    return {
        "score thresholds": thresholds.pop()
        if single
        else ", ".join(f"{name} {value:g}" for name, value in drift.baseline.thresholds.items()),
        "test": f"{test.permutations} permutations of the images, seed {test.seed}; alarm from p \u2264 "
        f"{test.false_alarm:g} in each group",
    }


def _strange_picture(image: StrangeImage) -> StrangePicture:
    reasons = "; ".join(image.distance.reasons) or "no statistic is unusual by itself"
    shown = picture(WorstImage(WorstChoice(image.name, _marks(image)), image.image), _found(image))
    return StrangePicture(shown, reasons)


def _found(image: StrangeImage) -> str:
    return "no captured answer" if image.detections is None else quantity(len(image.detections), "detection")


def _marks(image: StrangeImage) -> tuple[Mark, ...]:
    from PIL import Image

    if image.detections is None:
        return ()
    with Image.open(io.BytesIO(image.image)) as opened:
        boxes = image.detections.pixels(*opened.size).tolist()
    rows = zip(image.detections.names, boxes, image.detections.confidence.tolist(), strict=True)
    return tuple(Mark(BoxOutcome.DETECTED, name, (box[0], box[1], box[2], box[3]), score) for name, box, score in rows)
