"""What an hour of a machine costs: from the configuration, else from the AWS Pricing API, else unknown."""

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
#: The API is served from here for all regions.
_SERVED_FROM = "us-east-1"
_SECONDS = 2


@dataclass(frozen=True)
class Price:
    """US dollars an hour of one machine, and where that is from."""

    usd: float
    source: str


class Prices:
    """Prices of one region. The API is asked once a type, and no more after it could not be reached.

    The configuration comes first: it may hold what was agreed with AWS, and saves the look-up.
    """

    def __init__(self, region: str, configured: Mapping[str, float]) -> None:
        self._region, self._configured = region, configured
        self._listed: dict[str, list[tuple[str, float]]] = {}
        self.unreachable = "the offline AWS has no prices" if offline_endpoint() else ""

    def of(self, instance: str, component: str) -> Price | None:
        """The price of a machine as Processing, Training or Batch Transform; None when it isn't known."""
        if instance in self._configured:
            return Price(self._configured[instance], CONFIGURED)
        if not self.unreachable and instance not in self._listed:
            try:
                self._listed[instance] = list(_listed(self._region, instance))
            except (BotoCoreError, ClientError) as error:
                said = error_code(error) if isinstance(error, ClientError) else type(error).__name__
                self.unreachable = f"the AWS Pricing API can't be asked ({said})"
        found = self._listed.get(instance, [])
        fitting = [usd for billed_as, usd in found if billed_as == component]
        # An upper bound is asked for: without a price of that component, the highest of the machine's.
        known = fitting or [usd for _, usd in found]
        return Price(max(known), LISTED) if known else None


@functools.cache
def pricing_client() -> Any:
    """A client that gives up soon: prices are a help, not worth a wait."""
    patience = ClientConfig(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 1})
    return boto3.Session().client("pricing", region_name=_SERVED_FROM, config=patience)


def _listed(region: str, instance: str) -> Iterator[tuple[str, float]]:
    """Component and US dollars an hour of each product that is this machine in a region."""
    pages = pricing_client().get_paginator("get_products").paginate(
        ServiceCode="AmazonSageMaker",
        Filters=[
            {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
            {"Type": "TERM_MATCH", "Field": "instanceName", "Value": instance},
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
