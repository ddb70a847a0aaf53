"""The benchmarks measure what their tables say, and those that compare do the same job, checked line by line."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import typer.main
from PIL import Image

from benchmarks import drift, evaluation, label_errors, startup
from benchmarks.prepare import agreement
from benchmarks.prepare.__main__ import Bench, DisagreementError, rows
from benchmarks.prepare.candidates import CANDIDATES, ONE, STDLIB, STDLIB_LESS, Candidate, groundloop
from benchmarks.prepare.manifest import FAULTS, Truth, without, write_manifest
from benchmarks.prepare.measure import Cost, FailedError, run
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.drift.sample import Sample
from pipeline.cli.main import app

LINES = 2_000
OUTPUTS = (
    *("train.manifest", "validation.manifest", "test.manifest"),
    *("predict-images.json", "summary.json", "rejected.jsonl"),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(LINES // 2, tmp_path_factory.mktemp("bench"))
    bench.cost(ONE)
    return bench


class TestManifest:
    def test_the_same_seed_gives_the_same_bytes(self, tmp_path: Path) -> None:
        truths = [write_manifest(tmp_path / name, 300, 5) for name in ("one", "two")]
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
        assert truths[0] == truths[1]

    def test_it_is_what_performance_is_measured_on(self, tmp_path: Path) -> None:
        truth = write_manifest(tmp_path / "manifest", LINES, 1)
        lines = (tmp_path / "manifest").read_bytes().splitlines()
        assert len(lines) == truth.lines == LINES
        assert (tmp_path / "manifest").stat().st_size == truth.bytes
        assert truth.bytes / LINES == pytest.approx(1400, rel=0.05)
        assert truth.boxes.total() / LINES == pytest.approx(10.7, rel=0.05)
        assert sum(b'"labeling-job/parts-2024"' in line for line in lines) / LINES == pytest.approx(0.3, abs=0.05)
        assert len(truth.faults) / LINES == pytest.approx(0.01, rel=0.5)
        assert set(truth.by_kind()) == set(FAULTS)

    def test_lines_with_one_kind_of_fault_can_be_left_out(self, tmp_path: Path) -> None:
        truth = write_manifest(tmp_path / "all", LINES, 1)
        without(tmp_path / "all", tmp_path / "valid", truth, "bad_json")
        lines = (tmp_path / "valid").read_bytes().splitlines()
        assert len(lines) == LINES - truth.by_kind()["bad_json"]
        for line in lines:
            msgspec.json.decode(line)


class TestAgreement:
    @pytest.mark.parametrize("candidate", CANDIDATES[1:], ids=lambda candidate: candidate.name)
    def test_a_candidate_does_the_same_job(self, bench: Bench, candidate: Candidate) -> None:
        if not candidate.installed:
            pytest.skip(f"{candidate.needs} is not installed: it is in the extra `bench`")
        cost = bench.cost(candidate)
        assert cost.cpu > 0
        assert cost.memory > 2**20

    def test_a_candidate_that_misses_a_fault_is_told(self, bench: Bench) -> None:
        blind = Candidate("blind", STDLIB_LESS.command)
        with pytest.raises(DisagreementError, match="blind does not agree:\n  faults by kind are"):
            bench.cost(blind)

    def test_a_candidate_that_breaks_off_is_told_with_its_words(self, bench: Bench) -> None:
        with pytest.raises(FailedError, match=r"(?s)output ended with code 1:.*No module named .*no_such"):
            bench.cost(Candidate("broken", ("-m", "benchmarks.prepare.peers.no_such")))

    @pytest.mark.parametrize(
        ("file", "change", "messages"),
        [
            pytest.param(
                "test.manifest", lambda lines: lines[1:], ["lines in the splits", "the test split"], id="a line is lost"
            ),
            pytest.param(
                "train.manifest",
                lambda lines: [lines[0].replace(b'"class_id":', b'"class_id":1', 1), *lines[1:]],
                ["boxes by class", "the train split"],
                id="a box has another class",
            ),
            pytest.param(
                "train.manifest",
                lambda lines: [lines[0].replace(b'"left":', b'"left":1', 1), *lines[1:]],
                ["the train split"],
                id="a box is elsewhere",
            ),
            pytest.param("rejected.jsonl", lambda lines: lines[1:], ["faults by kind"], id="a fault is not reported"),
            pytest.param(
                "rejected.jsonl",
                lambda lines: [lines[0].replace(b'"line":', b'"line":1', 1), *lines[1:]],
                ["first differences"],
                id="a fault is on another line",
            ),
            pytest.param("train.manifest", lambda lines: lines[::-1], [], id="another order is as good"),
        ],
    )
    def test_what_counts(
        self,
        stdlib_run: tuple[Path, Truth, agreement.Result],
        tmp_path: Path,
        file: str,
        change: Callable[[list[bytes]], list[bytes]],
        messages: list[str],
    ) -> None:
        written, truth, reference = stdlib_run
        folder = shutil.copytree(written, tmp_path / "changed")
        path = folder / file
        path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
        result, problems = agreement.read(STDLIB, folder, truth)
        problems += agreement.differences(STDLIB, result, reference)
        assert len(problems) >= len(messages)
        assert bool(problems) == bool(messages)
        for text in messages:
            assert any(text in problem for problem in problems), problems


@pytest.fixture(scope="module")
def stdlib_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth, agreement.Result]:
    """The folder of a short manifest and its splits by the stdlib's program, and what is in them."""
    folder = tmp_path_factory.mktemp("stdlib")
    truth = write_manifest(folder / "manifest", 500, 3)
    run(STDLIB.full_command(folder / "manifest", folder), Path(__file__).resolve().parents[1], folder / "log")
    result, problems = agreement.read(STDLIB, folder, truth)
    assert not problems
    return folder, truth, result


class TestRanges:
    def test_any_number_of_processes_writes_the_same_bytes(self, tmp_path: Path) -> None:
        write_manifest(tmp_path / "manifest", LINES, 4)
        outputs = {}
        for processes in (1, 5):
            folder = tmp_path / str(processes)
            folder.mkdir()
            command = groundloop(processes).full_command(tmp_path / "manifest", folder)
            run(command, Path(__file__).resolve().parents[1], tmp_path / "log")
            outputs[processes] = {name: (folder / name).read_bytes() for name in OUTPUTS}
        assert outputs[1] == outputs[5]


class TestMeasure:
    def test_the_work_of_children_counts(self, tmp_path: Path) -> None:
        work = "import time\nwhile time.process_time() < 0.3: pass"
        program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}], check=True)"
        cost = run([sys.executable, "-c", program], tmp_path, tmp_path / "log")
        assert cost.cpu >= 0.3
        assert cost.wall >= 0.3

    def test_memory_is_the_peak(self, tmp_path: Path) -> None:
        cost = run([sys.executable, "-c", "b = bytearray(b'x') * 200_000_000; del b"], tmp_path, tmp_path / "log")
        assert 200e6 < cost.memory < 300e6

    def test_memory_of_whoever_starts_it_does_not_count(self, tmp_path: Path) -> None:
        ballast = bytearray(b"x") * 200_000_000
        cost = run([sys.executable, "-c", "pass"], tmp_path, tmp_path / "log")
        assert cost.memory < 100e6 < len(ballast)

    def test_ratios_are_taken_round_by_round(self) -> None:
        # The machine slows down to a half from the first round to the third; the ratio stays.
        ours = [Cost(cpu, cpu, 2**20) for cpu in (1.0, 1.5, 2.0)]
        theirs = [Cost(3 * cost.cpu, cost.wall, 2**21) for cost in ours]
        header, first, second = rows({ONE.name: ours, "other": theirs}, megabytes=30)
        assert Counter(header.split())["CPU"] == 1
        assert first.split()[-5:] == ["1.50", "1.00x", "20.0", "1.50", "1"]
        assert second.split() == ["other", "4.50", "3.00x", "6.7", "1.50", "2"]


class TestStartUp:
    def test_it_measures_every_command_or_says_why_not(self) -> None:
        assert set(_names(typer.main.get_command(app))) == {
            name for name in (*startup.COMMANDS, *startup.OTHERS) if not name.startswith("-")
        }

    @pytest.mark.parametrize("name", startup.COMMANDS)
    def test_each_command_line_can_be_typed(self, name: str) -> None:
        paths = {"FOLDER": "/f", "MANIFEST": "/f/m", "IMAGES": "/f/i", "EXECUTION": "arn"}
        command: Any = typer.main.get_command(app)
        rest = startup.arguments(name, paths, 1)[len(startup.PROGRAM) :]
        while rest[0] in getattr(command, "commands", {}):
            command = command.commands[rest.pop(0)]
            if not rest:
                break
        if not name.startswith("-"):
            with command.make_context("groundloop", rest) as context:
                assert not context.args

    def test_what_a_command_took_is_measured(self, tmp_path: Path) -> None:
        took = startup.measure([sys.executable, "-c", "sum(range(10**6))"], str(tmp_path), tmp_path)
        assert took.cpu > 0
        assert took.wall > 0

    def test_a_traceback_is_no_measurement(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            startup.measure([sys.executable, "-c", "1/0"], str(tmp_path), tmp_path)


def _names(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the names of all commands that can be called."""
    children = getattr(command, "commands", {})
    if path and (not children or command.invoke_without_command):
        yield " ".join(path)
    for name, child in children.items():
        yield from _names(child, (*path, name))


def test_the_whole_evaluate_job_is_measured(tmp_path: Path) -> None:
    evaluation.write_inputs(tmp_path / "inputs", 20)
    cost = evaluation.evaluate(tmp_path / "inputs", tmp_path / "output", resamples=5)
    assert cost.cpu > 0
    metrics = msgspec.json.decode((tmp_path / "output" / "evaluation.json").read_bytes())
    assert metrics["images"] == {"validation": 4, "test": 20}
    assert metrics["intervals"]["resamples"] == 5


class TestLabelErrors:
    def test_errors_of_each_kind_are_injected(self) -> None:
        box, ids = np.array([[10.0, 10, 50, 60], [100, 10, 150, 60]]), np.array([0, 1])
        scenes = [ScoredImage(str(n), box, ids, box, ids, np.array([0.9, 0.9])) for n in range(100)]
        images, errors = label_errors.with_errors(scenes, seed=1)
        assert Counter(errors) == {"": 82, "dropped": 6, "swapped": 6, "moved": 6}
        for image, error in zip(images, errors, strict=True):
            same_ids, same_boxes = image.true_ids.tolist() == [0, 1], image.true_boxes.tolist() == box.tolist()
            assert len(image.true_ids) == (1 if error == "dropped" else 2)
            assert (same_ids, same_boxes) == {
                "": (True, True),
                "dropped": (False, False),
                "swapped": (False, True),
                "moved": (True, False),
            }[error]

    def test_a_ranking_counts_what_stands_first(self) -> None:
        found = label_errors.ranking(np.array([0.9, 0.8, 0.0, 0.2, 0.1]), ["dropped", "", "moved", "", ""])
        assert found.auroc == pytest.approx(3 / 6)
        assert found.found == {"dropped": 1, "swapped": 0, "moved": 0}


class TestDrift:
    @staticmethod
    def sample(images: int, brightness: float = 100) -> Sample:
        chance = np.random.default_rng(images)
        means, spread = (brightness, 30, 6, 0.4, 0, 5, 0.9, 0.7, -3), (9, 3, 0.2, 0.05, 3, 1, 0.02, 0.05, 0.3)
        return Sample(("nut",), {"nut": 0.5}, chance.normal(means, spread, (images, len(means))), {})

    def test_alarms_are_of_the_windows_that_have_changed(self) -> None:
        unchanged = self.sample(120)
        assert drift.alarm_rates(unchanged, unchanged, windows=4) == drift.Rates(0, 0)
        assert drift.alarm_rates(unchanged, self.sample(120, brightness=80), windows=4) == drift.Rates(1, 0)

    @pytest.mark.parametrize("corruption", drift.CORRUPTIONS[1:], ids=lambda corruption: corruption.name)
    def test_each_corruption_changes_the_images(self, corruption: drift.Corruption) -> None:
        pixels = np.random.default_rng(1).integers(60, 200, (48, 64, 3)).astype(np.uint8)
        pixels[..., 2] //= 2
        image = Image.fromarray(pixels)
        changed = corruption.change(image)
        assert changed.mode == "RGB"
        assert changed.tobytes() != image.tobytes()
        assert corruption.input or corruption.answers
