"""Killed servers and vanished reviewers lose no answer; `python -m benchmarks.review` does the same at length."""

from __future__ import annotations

from pathlib import Path

from benchmarks.review import crash, crowd


def test_every_acknowledged_answer_survives_a_killed_server_and_is_stored_once(tmp_path: Path) -> None:
    result = crash.run(tmp_path / "queue", answers=16, kills=1)
    assert (result.killed, result.acknowledged, result.stored) == (1, 16, 16)
    assert (result.lost, result.twice) == (0, 0)


def test_every_task_is_answered_though_reviewers_vanish_and_come_late(tmp_path: Path) -> None:
    result = crowd.run(tmp_path / "queue", tasks=40, reviewers=4, lease_seconds=0.2, vanishing=0.15)
    assert result.answered == 40
    assert result.second_in_time == 0
