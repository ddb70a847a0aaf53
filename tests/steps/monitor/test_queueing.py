"""Which images are new, and how often S3 is asked for it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from steps.monitor import queueing
from steps.monitor.queueing import EarlierQueues, new_images

FOLDER = "s3://bucket/groundloop/captured"
PAGE, WORTH = 10, 3


class FakeS3:
    """A folder of captured images that counts requests; a page of a listing has ten objects."""

    def __init__(self, names: set[str]) -> None:
        self.keys = sorted(f"groundloop/captured/{name}" for name in names)
        self.pages = self.heads = 0

    def get_paginator(self, _: str) -> FakeS3:
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str) -> Iterator[dict[str, Any]]:  # noqa: N803 (boto3's)
        keys = [key for key in self.keys if key.startswith(Prefix) and key > StartAfter]
        for start in range(0, max(1, len(keys)), PAGE):
            self.pages += 1
            contents = [{"Key": key} for key in keys[start : start + PAGE]]
            page = {"Contents": contents} if contents else {}
            yield {**page, "IsTruncated": start + PAGE < len(keys)}

    def head_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803 (boto3's)
        self.heads += 1
        if Key not in self.keys:
            raise ClientError({"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}, "HeadObject")


def names_of(count: int, chance: random.Random) -> set[str]:
    return {f"{chance.getrandbits(64):064x}.jpg" for _ in range(count)}


@pytest.fixture(autouse=True)
def worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "_NAMES_OF_A_PAGE", WORTH)


@pytest.mark.parametrize(
    ("window", "queued", "pages", "heads"),
    [
        pytest.param(2, 0, range(1), range(2, 3), id="a few images are asked for"),
        pytest.param(20, 0, range(1, 2), range(1), id="nothing was queued: one page"),
        pytest.param(20, 30, range(2, 5), range(WORTH), id="a window as large as a third of the folder: pages"),
        pytest.param(20, 2000, range(1, 2), range(17, 21), id="a folder of years: one page, then one by one"),
    ],
)
def test_the_folder_is_listed_where_that_takes_fewer_requests(
    window: int, queued: int, pages: range, heads: range
) -> None:
    chance = random.Random(5)  # noqa: S311 - names, not secrets
    new, known = names_of(window, chance), names_of(queued, chance)
    s3 = FakeS3(known)
    assert (
        new_images(s3, sorted(new), "s3://bucket/groundloop/captured", EarlierQueues(frozenset(), 0, 0), frozenset())
        == new
    )
    assert s3.pages in pages
    assert s3.heads in heads


@pytest.mark.parametrize("seed", range(8))
def test_however_it_is_asked_the_result_is_the_same(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - names, not secrets
    queued = names_of(chance.randint(0, 60), chance)
    again = set(chance.sample(sorted(queued), chance.randint(0, len(queued))))
    fresh, trained = names_of(chance.randint(0, 30), chance), names_of(3, chance)
    own = frozenset(list(again)[: len(again) // 3])
    window = sorted(again | fresh | trained)
    found = new_images(FakeS3(queued), window, FOLDER, EarlierQueues(own, 0, 0), frozenset(trained))
    assert found == fresh | own
