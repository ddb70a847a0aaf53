"""Settings of the quality gate, which Evaluate reports on."""

from __future__ import annotations

from pydantic import Field

from steps.settings import Settings


class GateSettings(Settings):
    """The least that each figure on the test split must reach; 0 asks nothing of it."""

    map: float = Field(0.3, ge=0, le=1, description="COCO mAP, IoU 0.50 to 0.95.")
    map_50: float = Field(0.5, ge=0, le=1, description="COCO AP at IoU 0.50.")
    voc_map: float = Field(0.5, ge=0, le=1, description="Pascal VOC mAP at IoU 0.50, area under the curve.")
