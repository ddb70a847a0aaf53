"""Training jobs, from the folder SageMaker lays out to the model and the log: real pipes, a real detector."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundloop.local.detector import artifact, trainer
from groundloop.local.detector.boxes import Boxes, Detections
from groundloop.local.detector.errors import StandInError
from groundloop.local.detector.hyperparameters import parse
from groundloop.local.detector.metric import voc07_map
from groundloop.local.detector.network import Network
from groundloop.local.recordio import frame
from groundloop.spec.training_log import TrainingLog

# The metric definitions of a real job of the built-in algorithm.
METRICS = {
    "train:progress": r"#progress_metric: host=\S+, completed (\S+) %",
    "train:smooth_l1": r"#quality_metric: host=\S+, epoch=\S+, batch=\S+ train smooth_l1 <loss>=(\S+)",
    "train:cross_entropy": r"#quality_metric: host=\S+, epoch=\S+, batch=\S+ train cross_entropy <loss>=(\S+)",
    "train:throughput": r"#throughput_metric: host=\S+, train throughput=(\S+) records/second",
    "validation:mAP": r"#quality_metric: host=\S+, epoch=\S+, validation mAP <score>=\((\S+)\)",
}
Samples = list[tuple[bytes, dict[str, Any]]]


def metric(log: str, name: str) -> list[float]:
    return [float(value) for value in re.findall(METRICS[name], log)]


def score(detector: artifact.Detector, samples: Samples) -> float:
    truth, found = [], []
    for image, label in samples:
        rows = np.array(detector.detect(image)).reshape(-1, 6)
        found.append(Detections(rows[:, 0].astype(int), rows[:, 1], rows[:, 2:]))
        size = [label["image_size"][0][key] for key in ("width", "height")] * 2
        corners = [
            (box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"])
            for box in label["annotations"]
        ]
        truth.append(Boxes(np.array([box["class_id"] for box in label["annotations"]]), np.array(corners) / size))
    return voc07_map(truth, found, 2, overlap_threshold=0.5)


class TestARun:
    def test_it_ends_well_and_leaves_no_failure(self, trained: Any) -> None:
        assert trained.result.returncode == 0, trained.result.stdout + trained.result.stderr
        assert trained.result.stderr == ""
        assert not (trained.job.folder / "output/failure").exists()

    def test_the_first_line_says_that_it_is_a_stand_in(self, trained: Any) -> None:
        first = trained.result.stdout.splitlines()[0]
        assert "groundloop's offline stand-in" in first
        assert "not AWS's" in first
        assert "ignores use_pretrained_model, optimizer, momentum" in first

    @pytest.mark.parametrize("name", METRICS)
    def test_each_metric_is_printed_once_per_epoch(self, name: str, trained: Any) -> None:
        assert len(metric(trained.result.stdout, name)) == 10

    def test_the_losses_fall_and_the_progress_reaches_100_percent(self, trained: Any) -> None:
        log = trained.result.stdout
        for name in ("train:cross_entropy", "train:smooth_l1"):
            losses = metric(log, name)
            assert losses[-1] < 0.6 * losses[0]
        assert metric(log, "train:progress") == [10.0 * epoch for epoch in range(1, 11)]

    def test_it_learns_to_see_the_shapes(self, trained: Any, render_samples: Callable[..., Samples]) -> None:
        """On images it never saw, and far better than the same network before training."""
        detector = artifact.load(trained.job.folder / "model")
        unseen = render_samples(20, seed=2)
        untrained = artifact.Detector(detector.hyperparameters, Network(2, seed=trainer.SEED))
        assert score(untrained, unseen) < 0.1
        assert score(detector, unseen) > 0.6

    def test_the_best_epoch_is_kept(self, trained: Any, render_samples: Callable[..., Samples]) -> None:
        scores = metric(trained.result.stdout, "validation:mAP")
        kept = artifact.load(trained.job.folder / "model")
        assert score(kept, render_samples(20, seed=1)) == pytest.approx(max(scores), abs=1e-4)
        assert f"The model of epoch {int(np.argmax(scores))} is kept" in trained.result.stdout

    def test_the_model_folder_is_flat_with_strings_only(self, trained: Any) -> None:
        model = trained.job.folder / "model"
        assert sorted(path.name for path in model.iterdir()) == ["groundloop-stand-in-weights.npz", "hyperparams.json"]
        texts = json.loads((model / "hyperparams.json").read_text())
        assert texts.items() >= {**trained.job.hyperparameters, "nms_threshold": "0.45"}.items()
        assert all(isinstance(value, str) for value in texts.values())
        with np.load(model / "groundloop-stand-in-weights.npz", allow_pickle=False) as arrays:
            assert all(arrays[name].dtype == np.float32 for name in arrays.files)


def small(job: Any, render_samples: Callable[..., Samples], *, epochs: int = 1, train: Samples | None = None) -> Any:
    """The job with eight training images (or those given) and two for validation, as files."""
    job.hyperparameters["epochs"] = str(epochs)
    job.carries("train", render_samples(8, seed=3) if train is None else train, epochs)
    job.carries("validation", render_samples(2, seed=4), epochs)
    job.write_config()
    job.write_files()
    return job


def weights(folder: Path) -> list[bytes]:
    return [array.tobytes() for array in artifact.load(folder / "model").network.state().values()]


@pytest.fixture
def small_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train on 64 x 64 pixels, a sixth of the work, where nobody looks at the scores."""
    monkeypatch.setattr("groundloop.local.detector.data.working_size", lambda image_shape: 64)


@pytest.mark.usefixtures("small_images")
class TestSmallRuns:
    def test_the_same_data_and_seed_give_the_same_weights(
        self, job: Any, render_samples: Callable[..., Samples], tmp_path: Path
    ) -> None:
        small(job, render_samples)
        trainer.train(job.folder)
        first = weights(job.folder)
        trainer.train(job.folder)
        assert weights(job.folder) == first
        trainer.train(job.folder, seed=trainer.SEED + 1)
        assert weights(job.folder) != first

    def test_images_without_objects_and_an_incomplete_last_batch_are_fine(
        self, job: Any, render_samples: Callable[..., Samples]
    ) -> None:
        samples = render_samples(7, seed=3)
        for _, label in samples[:4]:
            label["annotations"] = []
        job.hyperparameters["num_training_samples"] = "7"
        trainer.train(small(job, render_samples, train=samples).folder)
        assert (job.folder / "model/hyperparams.json").exists()

    def test_a_third_attribute_is_skipped(self, job: Any, render_samples: Callable[..., Samples]) -> None:
        small(job, render_samples)
        names = ["source-ref", "bounding-box", "bounding-box-metadata"]
        job.channels = {name: {**config, "AttributeNames": names} for name, config in job.channels.items()}
        for channel in job.streams:
            samples = render_samples(8, seed=3)
            records = [frame(image) + frame(json.dumps(label).encode()) + frame(b"{}") for image, label in samples]
            job.streams[channel] = [b"".join(records)]
        job.write_config()
        job.write_files()
        trainer.train(job.folder)
        assert (job.folder / "model/hyperparams.json").exists()

    def test_too_many_or_few_batches_are_a_warning_in_the_algorithms_words(
        self, job: Any, render_samples: Callable[..., Samples], caplog: pytest.LogCaptureFixture
    ) -> None:
        job.hyperparameters["num_training_samples"] = "9"
        trainer.train(small(job, render_samples).folder)
        warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert len(warnings) == 1
        assert warnings[0].startswith("Expected number of batches: 3, did not match the number of batches processed: 2")

    def test_early_stopping_reads_no_further_epoch(
        self, job: Any, render_samples: Callable[..., Samples], caplog: pytest.LogCaptureFixture
    ) -> None:
        """A tolerance of 1 asks each epoch to double the score; the third epoch's pipe doesn't exist."""
        small(job, render_samples, epochs=2)
        job.hyperparameters |= {
            "epochs": "3",
            "early_stopping": "True",
            "early_stopping_min_epochs": "1",
            "early_stopping_patience": "1",
            "early_stopping_tolerance": "1",
            # Next to nothing is learnt, so the second epoch can't double the first one's score.
            "learning_rate": "1e-9",
        }
        job.write_config()
        caplog.set_level("INFO")
        trainer.train(job.folder)
        assert "early stopping" in caplog.text

    def test_a_warm_start_goes_on_from_the_earlier_weights(
        self, job: Any, trained: Any, render_samples: Callable[..., Samples]
    ) -> None:
        """With a rate that changes next to nothing, one epoch is as good as the earlier run's best."""
        job.hyperparameters["learning_rate"] = "1e-9"
        pack_model(trained.job.folder / "model", job)
        trainer.train(small(job, render_samples).folder)
        before = artifact.load(trained.job.folder / "model").network.state()
        after = artifact.load(job.folder / "model").network.state()
        for name in (name for name in before if name.startswith("parameter")):
            np.testing.assert_allclose(after[name], before[name], atol=1e-5)

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            pytest.param("num_classes", "3", id="another number of classes"),
            pytest.param("base_network", "resnet-50", id="another base network"),
        ],
    )
    def test_a_warm_start_refuses(
        self, key: str, value: str, job: Any, trained: Any, render_samples: Callable[..., Samples]
    ) -> None:
        pack_model(trained.job.folder / "model", job)
        job.hyperparameters[key] = value
        with pytest.raises(StandInError, match=f"trained with {key}=.*this job has {key}={value}"):
            trainer.train(small(job, render_samples).folder)


def test_a_mini_batch_may_be_larger_than_what_goes_through_the_network_at_once(
    job: Any, render_samples: Callable[..., Samples], caplog: pytest.LogCaptureFixture
) -> None:
    job.hyperparameters |= {"mini_batch_size": "20", "num_training_samples": "20"}
    caplog.set_level("INFO")
    trainer.train(small(job, render_samples, train=render_samples(20, seed=3)).folder)
    assert "epoch=0, batch=1 train cross_entropy" in caplog.text


def test_a_warm_start_is_as_good_in_a_third_of_the_epochs(
    job: Any, trained: Any, render_samples: Callable[..., Samples]
) -> None:
    before = TrainingLog(trained.result.stdout.splitlines()).epochs
    pack_model(trained.job.folder / "model", job)
    job.hyperparameters = {**trained.job.hyperparameters, "epochs": "3", "learning_rate": "0.00025"}
    job.carries("train", render_samples(40, seed=0), epochs=3)
    job.carries("validation", render_samples(20, seed=1), epochs=3)
    after = TrainingLog(job.run().stdout.splitlines()).epochs
    assert len(after) <= len(before) / 3
    best = [max(epoch.validation_map or 0.0 for epoch in epochs) for epochs in (before, after)]
    assert best[1] >= best[0]


def pack_model(model: Path, job: Any) -> None:
    job.channels = {**job.channels, "model": {"ContentType": "application/x-sagemaker-model"}}
    archive = job.folder / "input/data/model/model.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as tar:
        for path in model.iterdir():
            tar.add(path, path.name)


class TestTheProgram:
    def test_a_mistake_ends_with_one_line_the_failure_file_and_status_1(self, job: Any) -> None:
        job.hyperparameters["epochs"] = "none"
        result = job.run()
        assert result.returncode == 1
        assert job.failure == "hyperparameter epochs='none': a whole number of at least 1 is needed."
        assert result.stderr == f"error: {job.failure}\n"

    def test_a_broken_stream_in_a_pipe_ends_it_too(self, job: Any) -> None:
        job.streams = {"train": [b"\xff\xd8\xff\xe0 no RecordIO"], "validation": []}
        result = job.run()
        assert result.returncode == 1
        assert job.failure.startswith("The Record IO header does not start with the magic number")
        assert "Traceback" not in result.stdout + result.stderr

    def test_it_ends_at_once_when_it_is_told(self, job: Any) -> None:
        """While it waits for a pipe that never comes."""
        job.write_config()
        command = [sys.executable, "-m", "groundloop.local.detector", "train", "--opt-ml", str(job.folder)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert b"stand-in" in process.stdout.readline()
            process.terminate()
            assert process.wait(timeout=5) == -signal.SIGTERM

    def test_it_imports_neither_moto_nor_boto3(self) -> None:
        code = (
            "import sys\n"
            "from groundloop.local.detector import __main__, server, trainer\n"
            "sys.exit(' '.join({'moto', 'boto3', 'botocore'} & set(sys.modules)) or None)"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, "")


def test_a_saved_model_loads_as_it_was(tmp_path: Path) -> None:
    network = Network(2, seed=5)
    hyperparameters = parse({"num_classes": "2", "num_training_samples": "4", "lr_scheduler_step": "3,5"})
    artifact.save(tmp_path, artifact.Detector(hyperparameters, network))
    loaded = artifact.load(tmp_path)
    assert loaded.hyperparameters == hyperparameters
    for name, array in network.state().items():
        np.testing.assert_array_equal(loaded.network.state()[name], array)
