"""Steps that take the outputs of an earlier execution."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.groundloop.local.executor.conftest import Make, fail, metric, statuses


class TestCaching:
    CACHE = {"Enabled": True, "ExpireAfter": "PT1H"}  # noqa: RUF012

    def test_the_same_request_takes_the_outputs_of_the_earlier_run(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        said = {"Get": "Parameters.Metrics"}
        pipeline = make_pipeline(
            process("Evaluate", metrics=said, CacheConfig=self.CACHE),
            fail("Say", metric("message")),
            parameters=[{"Name": "Metrics", "Type": "String", "DefaultValue": '{"message": "first"}'}],
        )
        first, second, third = (
            ended(start(pipeline, **given)) for given in ({}, {}, {"Metrics": '{"message": "other"}'})
        )
        assert "CacheHitResult" not in first["Steps"]["Evaluate"]
        hit = second["Steps"]["Evaluate"]
        assert hit["CacheHitResult"] == {"SourcePipelineExecutionArn": first["PipelineExecutionArn"]}
        assert hit["Metadata"] == first["Steps"]["Evaluate"]["Metadata"]
        assert (hit["StepStatus"], second["FailureReason"]) == ("Succeeded", "first")
        assert "CacheHitResult" not in third["Steps"]["Evaluate"]
        assert third["FailureReason"] == "other"

    def test_outputs_do_not_count_and_failures_are_not_kept(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        broken = process("Evaluate", "import sys; sys.exit(1)", CacheConfig=self.CACHE)
        pipeline = make_pipeline(broken)
        assert [statuses(ended(start(pipeline))) for _ in range(2)] == [{"Evaluate": "Failed"}] * 2

    def test_an_old_run_is_not_used(self, process: Make, make_pipeline: Make, start: Make, ended: Make) -> None:
        pipeline = make_pipeline(process("Evaluate", CacheConfig={"Enabled": True, "ExpireAfter": "PT1S"}))
        ended(start(pipeline))
        time.sleep(1.1)
        assert "CacheHitResult" not in ended(start(pipeline))["Steps"]["Evaluate"]

    def test_a_run_with_the_cache_off_replaces_an_older_one(
        self, sm: Any, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        def define(cache: dict[str, Any]) -> str:
            step = process("Evaluate", CacheConfig=cache)
            return json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [step]})

        pipeline = make_pipeline(process("Evaluate", CacheConfig=self.CACHE))
        ended(start(pipeline))
        sm.update_pipeline(PipelineName=pipeline, PipelineDefinition=define({"Enabled": False}))
        latest = ended(start(pipeline))
        assert "CacheHitResult" not in latest["Steps"]["Evaluate"]
        sm.update_pipeline(PipelineName=pipeline, PipelineDefinition=define(self.CACHE))
        hit = ended(start(pipeline))["Steps"]["Evaluate"]
        assert hit["CacheHitResult"] == {"SourcePipelineExecutionArn": latest["PipelineExecutionArn"]}

    def test_another_pipeline_has_its_own_runs(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        step = process("Evaluate", CacheConfig=self.CACHE)
        ended(start(make_pipeline(step)))
        assert "CacheHitResult" not in ended(start(make_pipeline(step)))["Steps"]["Evaluate"]
