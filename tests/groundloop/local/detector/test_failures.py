"""What a user can get wrong: the algorithm's own words where they are known, then ours, which say what to do."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from groundloop.local.detector import artifact, trainer
from groundloop.local.detector.data import Channel
from groundloop.local.detector.errors import StandInError
from groundloop.local.detector.hyperparameters import parse
from groundloop.local.detector.images import UnreadableImageError, decode_image
from groundloop.local.recordio import frame

Samples = list[tuple[bytes, dict[str, Any]]]
Change = Callable[[Samples], bytes]


def stream(samples: Samples) -> bytes:
    return b"".join(frame(image) + frame(json.dumps(label).encode()) for image, label in samples)


def with_label(change: Callable[[dict[str, Any]], object]) -> Change:
    """The stream after changing the second sample's label."""

    def apply(samples: Samples) -> bytes:
        change(samples[1][1])
        return stream(samples)

    return apply


def box(**values: object) -> Callable[[dict[str, Any]], object]:
    """Changes the label's first box."""
    return lambda label: label["annotations"][0].update(values)


@pytest.mark.parametrize(
    ("make", "theirs", "ours"),
    [
        pytest.param(lambda s: b"", "Got empty batch from pipe.", "Channel train carried no record", id="empty stream"),
        pytest.param(
            lambda s: stream(s[:3]), "must be bigger or equal to the mini_batch_size", "There are 3", id="few"
        ),
        pytest.param(
            lambda s: b"".join(frame(json.dumps(label).encode()) + frame(image) for image, label in s),
            "Got empty batch from pipe.",
            "AttributeNames has to be",
            id="label before image",
        ),
        pytest.param(
            lambda s: b"".join(frame(image) + frame(image) for image, _ in s),
            "AttributeNames matches attributes names",
            "sample 0",
            id="no label at all",
        ),
        pytest.param(with_label(lambda v: v.pop("annotations")), "Got empty batch", "sample 1", id="another label"),
        pytest.param(
            lambda s: stream(s)[: -len(frame(json.dumps(s[-1][1]).encode()))],
            "Unable to parse record.",
            "1 of 2 records",
            id="a line without its label",
        ),
        pytest.param(
            lambda s: b"".join(image for image, _ in s),
            "The Record IO header does not start with the magic number",
            "at byte 0",
            id="images without frames",
        ),
        pytest.param(
            lambda s: stream(s)[:-6],
            "Unable to parse record. Please make sure input data is in correct recordio format",
            "ends inside",
            id="cut short",
        ),
        pytest.param(
            with_label(lambda v: v["annotations"].extend([v["annotations"][0]] * 9)),
            "Invalid parameter value 'label_width'",
            "Raise label_width",
            id="more boxes than label_width has room for",
        ),
        pytest.param(with_label(box(class_id=2)), "class_id 2 is outside 0 to 1", "num_classes is 2", id="high id"),
        pytest.param(with_label(box(class_id=-1)), "class_id -1", "successive from 0", id="negative id"),
        pytest.param(with_label(box(left="a")), "sample 1", "needs the numbers class_id, left", id="words in a box"),
        pytest.param(with_label(box(top=float("inf"))), "sample 1", "isn't finite", id="an infinite box"),
        pytest.param(
            lambda s: stream([s[0], (s[1][0][:40], s[1][1]), *s[2:]]), "sample 1", "can't be decoded", id="broken image"
        ),
    ],
)
def test_a_bad_stream(make: Change, theirs: str, ours: str, job: Any, render_samples: Callable[..., Samples]) -> None:
    job.hyperparameters["label_width"] = "40"
    job.carries("validation", render_samples(2, seed=1), epochs=1)
    job.streams["train"] = [make(render_samples(8, seed=0))]
    job.write_config()
    job.write_files()
    with pytest.raises(StandInError) as caught:
        trainer.train(job.folder)
    message = str(caught.value)
    assert theirs in message
    assert ours in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"TrainingInputMode": "File"}, "TrainingInputMode is 'File', Pipe is needed", id="File mode"),
        pytest.param({"ContentType": "image/jpeg"}, "ContentType is 'image/jpeg', application/x-recordio", id="type"),
        pytest.param({"RecordWrapperType": "None"}, "RecordWrapperType is 'None', RecordIO is needed", id="wrapper"),
        pytest.param({"AttributeNames": ["source-ref"]}, "AttributeNames needs two names", id="one attribute"),
    ],
)
def test_a_bad_channel(change: dict[str, Any], message: str, job: Any) -> None:
    job.channels = {**job.channels, "validation": {**job.channels["validation"], **change}}
    job.write_config()
    with pytest.raises(StandInError, match=f"channel validation: {message}"):
        trainer.train(job.folder)


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        pytest.param(["train"], "channel validation missing.*the job has train", id="no validation"),
        pytest.param([], "channel train and validation missing.*the job has none", id="none"),
        pytest.param(["train", "validation", "train_annotation"], "channel train_annotation: ", id="another channel"),
    ],
)
def test_the_wrong_channels(channels: list[str], message: str, job: Any) -> None:
    job.channels = dict.fromkeys(channels, job.channels["train"])
    job.write_config()
    with pytest.raises(StandInError, match=message):
        trainer.train(job.folder)


def test_too_few_training_samples_fail_before_anything_is_read(job: Any) -> None:
    job.hyperparameters["num_training_samples"] = "3"
    job.write_config()
    with pytest.raises(StandInError, match=r"bigger or equal to the mini_batch_size.*lower mini_batch_size"):
        trainer.train(job.folder)


def test_a_pipe_that_nobody_makes_ends_the_wait_in_the_platforms_words(tmp_path: Path) -> None:
    hyperparameters = parse({"num_classes": "1", "num_training_samples": "1"})
    channel = Channel("train", {}, tmp_path, hyperparameters, wait_seconds=0.05)
    with pytest.raises(
        StandInError, match=r"Platform Error: SageMaker pipe channel timed out\. .*train_0 didn't appear"
    ):
        next(channel.samples(0))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own words on the way to infinity
def test_a_loss_that_leaves_the_finite_numbers_ends_the_job(
    job: Any, render_samples: Callable[..., Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    job.carries("train", render_samples(8, seed=0), epochs=1)
    job.write_config()
    job.write_files()
    monkeypatch.setattr(trainer, "learning_rate", lambda *_: float("inf"))
    with pytest.raises(StandInError, match=r"isn't a finite number any more after 2 steps: learning_rate 0.001 is too"):
        trainer.train(job.folder)


def a_picture(kind: str) -> bytes:
    data = io.BytesIO()
    Image.effect_mandelbrot((48, 32), (-2, -1, 1, 1), 20).convert("RGB").save(data, kind)
    return data.getvalue()


@given(
    st.sampled_from([a_picture("JPEG"), a_picture("PNG")]), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)))
)
def test_a_damaged_image_is_decoded_or_refused_and_nothing_else(image: bytes, damage: list[tuple[float, int]]) -> None:
    damaged = bytearray(image)
    for place, value in damage:
        damaged[int(place * (len(damaged) - 1))] = value
    try:
        pixels, _ = decode_image(bytes(damaged), 32)
    except UnreadableImageError as error:
        assert "\n" not in str(error)  # noqa: PT017  # either outcome is fine
    else:
        assert pixels.shape == (32, 32, 3)


def test_a_missing_or_broken_configuration_is_named(job: Any) -> None:
    with pytest.raises(StandInError, match=r"hyperparameters\.json is missing"):
        trainer.train(job.folder)
    job.write_config()
    path = job.folder / "input/config/inputdataconfig.json"
    path.write_text("{")
    with pytest.raises(StandInError, match=r"inputdataconfig\.json isn't JSON"):
        trainer.train(job.folder)
    path.write_text("[]")
    with pytest.raises(StandInError, match=r"inputdataconfig\.json holds list, an object is needed"):
        trainer.train(job.folder)


def npy(array: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.save(data, array)
    return data.getvalue()


def npz(parameter_00: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.savez(data, parameter_00=parameter_00)
    return data.getvalue()


class TestModels:
    def test_a_warm_start_without_its_archive(self, job: Any) -> None:
        job.channels = {**job.channels, "model": {}}
        job.write_config()
        with pytest.raises(StandInError, match=r"channel model: .*model\.tar\.gz is missing"):
            trainer.train(job.folder)

    def test_a_warm_start_from_something_else(self, job: Any) -> None:
        job.channels = {**job.channels, "model": {}}
        job.write_config()
        archive = job.folder / "input/data/model/model.tar.gz"
        archive.parent.mkdir()
        archive.write_bytes(b"no archive")
        with pytest.raises(StandInError, match=r"can't be unpacked as a model\.tar\.gz"):
            trainer.train(job.folder)

    def test_a_model_of_the_real_algorithm(self, tmp_path: Path) -> None:
        (tmp_path / "hyperparams.json").write_text("{}")
        (tmp_path / "model_algo_1-0000.params").write_bytes(b"")
        with pytest.raises(StandInError, match="Models of the real algorithm can't be used offline"):
            artifact.load(tmp_path)

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"PK\3\4 broken", id="a broken zip"),
            pytest.param(b"\x80\4N.", id="a pickle"),
            pytest.param(npy(np.zeros(3)), id="one array alone"),
            pytest.param(npz(parameter_00=np.zeros(3)), id="another network"),
        ],
    )
    def test_damaged_weights(self, content: bytes, tmp_path: Path) -> None:
        texts = {"num_classes": "1", "num_training_samples": "1"}
        (tmp_path / artifact.HYPERPARAMETERS_FILE).write_text(json.dumps(texts))
        (tmp_path / artifact.WEIGHTS_FILE).write_bytes(content)
        with pytest.raises(StandInError, match="is damaged"):
            artifact.load(tmp_path)
