"""Settings of Register: the model package, its approval and its model card."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from steps.settings import InstanceType, ResourceName, Settings

# Length of the card's texts in SageMaker's schema.
_Prose = Annotated[str, StringConstraints(max_length=2048)]


class CardSettings(Settings):
    """Texts of the model card, with the names of SageMaker's model card schema; empty ones are left out."""

    purpose_of_model: _Prose = Field(
        "Finds and counts the objects of the labelled classes in images.", description="Purpose of the model."
    )
    intended_uses: _Prose = Field(
        "Images like those it was trained on; a person checks what matters.",
        description="Uses that it is intended for.",
    )
    factors_affecting_model_efficiency: _Prose = Field(
        "Other cameras, light, distances and backgrounds than in the training images; objects that are very small or "
        "hide each other; classes with few labels.",
        description="Conditions that degrade it.",
    )
    risk_rating: Literal["High", "Medium", "Low", "Unknown"] = Field("Unknown", description="Risk of its use.")
    explanations_for_risk_rating: _Prose = Field("", description="Reasons for the rating.")
    business_problem: _Prose = Field("", description="Business problem that it solves.")
    business_stakeholders: _Prose = Field("", description="Who depends on it.")
    line_of_business: _Prose = Field("", description="Part of the organisation that uses it.")
    ethical_considerations: _Prose = Field("", description="What users have to consider.")
    caveats_and_recommendations: _Prose = Field(
        "Its metrics are measured on images from the same source as the training images. Measure it again on images "
        "from where it will be used.",
        description="What users have to know.",
    )


class RegistrySettings(Settings):
    """Settings of the Register step."""

    group: ResourceName = Field("groundloop", description="Model package group; created by upsert when absent.")
    approval_status: Literal["PendingManualApproval", "Approved", "Rejected"] = Field(
        "PendingManualApproval", description="Status of a new version."
    )
    inference_instance_types: list[InstanceType] = Field(
        ["ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.xlarge", "ml.g4dn.xlarge"],
        min_length=1,
        description="Instance types that the package may be hosted on.",
    )
    transform_instance_types: list[InstanceType] = Field(
        ["ml.m5.xlarge", "ml.m5.2xlarge", "ml.g4dn.xlarge"],
        min_length=1,
        description="Instance types for Batch Transform with the package.",
    )
    card: CardSettings = Field(CardSettings(), description="The model card's texts.")
