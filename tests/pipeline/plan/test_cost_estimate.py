"""The most that an execution can bill: hours from the stopping conditions, prices from wherever they are known."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from pipeline.plan import prices
from pipeline.plan.cost_estimate import CostEstimate, estimate_cost
from pipeline.plan.flatten import read
from pipeline.plan.prices import CONFIGURED, LISTED, Price, Prices

Json = dict[str, Any]
P3 = {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 2}


def billed(*steps: Json, price: float | None = None, parameters: list[Json] | None = None) -> CostEstimate:
    definition = read(json.dumps({"Parameters": parameters or [], "Steps": list(steps)}))
    return estimate_cost(definition, lambda *_: Price(price, CONFIGURED) if price else None)


def train(retries: int = 0, **arguments: Any) -> Json:
    policies = [
        {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "MaxAttempts": retries},
        {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "MaxAttempts": 9},
    ]
    return {"Name": "Train", "Type": "Training", "Arguments": {"ResourceConfig": P3, **arguments},
            "RetryPolicies": policies if retries else []}  # fmt: skip


PREDICT = {"Name": "Predict", "Type": "Transform", "Arguments": {"TransformResources": P3}}


def test_hours_are_those_of_all_instances_and_all_attempts() -> None:
    found = billed(train(retries=2, StoppingCondition={"MaxRuntimeInSeconds": 5400}), price=4.0)
    assert found.items[0].hours == 9.0, "1.5 h, two instances, three attempts; waiting for capacity bills nothing"
    assert (found.usd, found.hours(spot=False), found.hours(spot=True)) == (36.0, {"ml.p3.2xlarge": 9.0}, {})


def test_spot_is_told_apart_and_waiting_for_it_is_free() -> None:
    condition = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}
    found = billed(train(EnableManagedSpotTraining=True, StoppingCondition=condition))
    assert (found.hours(spot=False), found.hours(spot=True)) == ({}, {"ml.p3.2xlarge": 2.0})


def test_without_a_stopping_condition_the_service_ends_a_job_after_a_day() -> None:
    assert billed(train()).items[0].hours == 48.0


def search(parallel: int = 2, seconds: int | None = 24 * 3600, **config: Any) -> Json:
    limits = {"MaxNumberOfTrainingJobs": {"Get": "Parameters.TuningJobs"}, "MaxParallelTrainingJobs": parallel}
    if seconds is not None:
        limits["MaxRuntimeInSeconds"] = seconds
    job = {
        "ResourceConfig": {**P3, "InstanceCount": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 6 * 3600},
        "EnableManagedSpotTraining": True,
    }
    arguments = {
        "HyperParameterTuningJobConfig": {"ResourceLimits": limits, **config},
        "TrainingJobDefinition": job,
    }
    return {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}


TUNING_JOBS = [{"Name": "TuningJobs", "Type": "Integer", "DefaultValue": 12}]


@pytest.mark.parametrize(
    ("step", "by_jobs", "by_search", "usd"),
    [
        pytest.param(search(), 72.0, 48.0, 183.6, id="the search ends first"),
        pytest.param(search(parallel=4), 72.0, 96.0, 275.4, id="the jobs end first"),
        pytest.param(search(seconds=None), 72.0, None, 275.4, id="no limit of the search"),
        pytest.param(
            search(
                seconds=None,
                Strategy="Grid",
                ParameterRanges={"CategoricalParameterRanges": [{"Values": ["a", "b"]}, {"Values": ["1", "2", "3"]}]},
            ),
            36.0,
            None,
            137.7,
            id="all combinations of a grid",
        ),
    ],
)
def test_a_search_costs_at_most_the_smaller_of_two_bounds(
    step: Json, by_jobs: float, by_search: float | None, usd: float
) -> None:
    (item,) = billed(step, price=3.825, parameters=TUNING_JOBS).items
    assert item.search is not None
    assert (item.search.hours_by_jobs, item.search.hours_by_search, item.usd) == (by_jobs, by_search, usd)
    assert item.spot, "as its training jobs are"


def test_batch_transform_has_no_bound_and_says_so() -> None:
    found = billed(train(StoppingCondition={"MaxRuntimeInSeconds": 3600}), PREDICT, price=4.0)
    assert found.items[1].hours is None
    assert found.as_json()["unlimited"] == ["Predict"]
    assert found.usd == 8.0, "the sum of what has a bound"


def test_a_parameter_is_its_default() -> None:
    instances = {"InstanceType": {"Get": "Parameters.InstanceType"}, "InstanceCount": {"Get": "Parameters.Count"}}
    parameters: list[Json] = [
        {"Name": "InstanceType", "Type": "String", "DefaultValue": "ml.g5.xlarge"},
        {"Name": "Count", "Type": "Integer", "DefaultValue": 3},
    ]
    item = billed(train(ResourceConfig=instances), parameters=parameters).items[0]
    assert (item.instance_type, item.instance_count) == ("ml.g5.xlarge", 3)


def test_without_prices_there_are_hours_only() -> None:
    found = billed(train())
    assert (found.usd, found.items[0].usd, found.items[0].price_source) == (None, None, None)


def product(component: str, usd: str) -> str:
    dimension = {"pricePerUnit": {"USD": usd}, "unit": "Hrs"}
    terms = {"OnDemand": {"sku.term": {"priceDimensions": {"sku.term.rate": dimension}}}}
    return json.dumps({"product": {"attributes": {"component": component}}, "terms": terms})


@pytest.fixture
def pricing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stubbed client of the Pricing API."""
    api = boto3.client("pricing", region_name="us-east-1")
    monkeypatch.setattr(prices, "pricing_client", lambda: api)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with Stubber(api) as stubber:
        yield stubber


def asked(instance: str) -> Json:
    return {
        "ServiceCode": "AmazonSageMaker",
        "Filters": [
            {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-west-1"},
            {"Type": "TERM_MATCH", "Field": "instanceName", "Value": instance},
        ],
    }


def test_the_pricing_api_is_called_once_for_an_instance_type(pricing: Any) -> None:
    listed = [product("Hosting", "0.9"), product("Training", "0.5"), product("Training", "0.0")]
    pricing.add_response("get_products", {"PriceList": listed}, asked("ml.m5.xlarge"))
    found = Prices("eu-west-1", {})
    assert found.of("ml.m5.xlarge", "Training") == Price(0.5, LISTED)
    assert found.of("ml.m5.xlarge", "Batch Transform") == Price(0.9, LISTED), "not listed as that: the highest"
    pricing.assert_no_pending_responses()


def test_an_instance_type_without_a_price_is_unknown(pricing: Any) -> None:
    pricing.add_response("get_products", {"PriceList": []}, asked("ml.m5.xlarge"))
    assert Prices("eu-west-1", {}).of("ml.m5.xlarge", "Training") is None


def test_own_prices_come_first_and_ask_nobody(pricing: Any) -> None:
    found = Prices("eu-west-1", {"ml.p3.2xlarge": 3.0})
    assert found.of("ml.p3.2xlarge", "Training") == Price(3.0, CONFIGURED)


def test_an_api_that_refuses_is_asked_no_more(pricing: Any) -> None:
    pricing.add_client_error("get_products", "AccessDeniedException")
    found = Prices("eu-west-1", {})
    assert found.of("ml.p3.2xlarge", "Training") is None
    assert found.of("ml.m5.xlarge", "Training") is None, "a second call would have no answer"
    assert found.unreachable == "the AWS Pricing API can't be reached (AccessDeniedException)"


def test_the_offline_aws_has_no_prices(pricing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    found = Prices("eu-west-1", {})
    assert found.of("ml.p3.2xlarge", "Training") is None
    assert found.unreachable == "the offline AWS has no prices"
