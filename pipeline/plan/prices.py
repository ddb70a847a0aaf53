"""Hourly prices of instances: from the configuration, else from the AWS Pricing API, else unknown."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from groundloop.aws import error_code, offline_endpoint

CONFIGURED = "costs.hourly_usd"
LISTED = "AWS Pricing API"
#: The API has the prices of all regions and is offered in few.
_API_REGION = "us-east-1"
_TIMEOUT_SECONDS = 2


@dataclass(frozen=True)
class Price:
    """US dollars per hour of one instance, and where the price is from."""

    usd: float
    source: str


class Prices:
    """Prices in one region.

    The API is called once for each instance type, and not again after it could not be reached. The configuration comes
    first: it may hold prices agreed with AWS, and saves the call.
    """

    def __init__(self, region: str, configured: Mapping[str, float]) -> None:
        self._region, self._configured = region, configured
        self._listed: dict[str, list[tuple[str, float]]] = {}
        self.unreachable = "the offline AWS has no prices" if offline_endpoint() else ""

    def of(self, instance_type: str, component: str) -> Price | None:
        """Return the price of an instance type as Processing, Training or Batch Transform; None when it isn't known."""
        if instance_type in self._configured:
            return Price(self._configured[instance_type], CONFIGURED)
        if not self.unreachable and instance_type not in self._listed:
            try:
                self._listed[instance_type] = list(_listed(self._region, instance_type))
            except (BotoCoreError, ClientError) as error:
                reason = error_code(error) if isinstance(error, ClientError) else type(error).__name__
                self.unreachable = f"the AWS Pricing API can't be reached ({reason})"
        listed = self._listed.get(instance_type, [])
        matching = [usd for billed_as, usd in listed if billed_as == component]
        # The estimate is an upper bound: without a price for the component, take the highest of the instance type.
        prices = matching or [usd for _, usd in listed]
        return Price(max(prices), LISTED) if prices else None


@functools.cache
def pricing_client() -> Any:
    """Return a client that gives up soon: prices are not worth a long wait."""
    config = ClientConfig(
        connect_timeout=_TIMEOUT_SECONDS, read_timeout=_TIMEOUT_SECONDS, retries={"total_max_attempts": 1}
    )
    return boto3.Session().client("pricing", region_name=_API_REGION, config=config)


def _listed(region: str, instance_type: str) -> Iterator[tuple[str, float]]:
    """Yield component and US dollars per hour of each product with this instance type in a region."""
    pages = pricing_client().get_paginator("get_products").paginate(
        ServiceCode="AmazonSageMaker",
        Filters=[
            {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
            {"Type": "TERM_MATCH", "Field": "instanceName", "Value": instance_type},
        ],
    )  # fmt: skip
    for page in pages:
        for text in page["PriceList"]:
            product = json.loads(text)
            component = product["product"]["attributes"].get("component", "")
            for term in product.get("terms", {}).get("OnDemand", {}).values():
                for dimension in term["priceDimensions"].values():
                    if usd := float(dimension["pricePerUnit"].get("USD", 0)):
                        yield component, usd
