"""Instance types: local storage, the memory of their GPUs, and generations that are retired."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

#: Families of instances with local NVMe storage whose names don't say so with a `d`.
_LOCAL_STORAGE_FAMILIES = re.compile(r"g5|g6e?|gr6|p5\w*|p6\w*|trn\d+n?|dl1|[ih]\d\w*|is4gen|im4gn|x2iedn")
_FAMILY_WITH_D = re.compile(r"[a-z]+\d+[a-z]*d[a-z]*")

#: Memory of each GPU of an instance type, GB, of the families that the Object Detection algorithm supports.
GPU_MEMORY_GB: Mapping[str, int] = MappingProxyType(
    {
        **{f"ml.p2.{size}": 12 for size in ("xlarge", "8xlarge", "16xlarge")},  # NVIDIA K80
        **{f"ml.p3.{size}": 16 for size in ("2xlarge", "8xlarge", "16xlarge")},  # NVIDIA V100
        **{f"ml.g4dn.{size}xlarge": 16 for size in ("", "2", "4", "8", "12", "16")},  # NVIDIA T4
        **{f"ml.g5.{size}xlarge": 24 for size in ("", "2", "4", "8", "12", "16", "24", "48")},  # NVIDIA A10G
    }
)
#: Instance types with several GPUs, among which a batch is divided.
MULTI_GPU_TYPES = frozenset(
    {
        "ml.p2.8xlarge", "ml.p2.16xlarge", "ml.p3.8xlarge", "ml.p3.16xlarge", "ml.g4dn.12xlarge",
        "ml.g5.12xlarge", "ml.g5.24xlarge", "ml.g5.48xlarge",
    }
)  # fmt: skip
#: Families that EC2 retires. SageMaker's API still names them, but new accounts get no quota or capacity for them.
RETIRED_FAMILIES = ("ml.p2", "ml.p3")


def has_local_storage(instance_type: str) -> bool:
    """Return whether an instance type has local storage, for which the API takes no VolumeKmsKeyId.

    "You can't request a VolumeKmsKeyId when using an instance type with local storage" (API reference, ResourceConfig);
    local storage is encrypted in hardware.

    Example:
        >>> [has_local_storage(name) for name in ("ml.g4dn.xlarge", "ml.m5d.large", "ml.g5.xlarge", "ml.m5.xlarge")]
        [True, True, True, False]
    """
    family = instance_type.removeprefix("ml.").partition(".")[0]
    return bool(_FAMILY_WITH_D.fullmatch(family) or _LOCAL_STORAGE_FAMILIES.fullmatch(family))


def is_retired(instance_type: str) -> bool:
    """Return whether EC2 retires the family of an instance type.

    Example:
        >>> is_retired("ml.p3.2xlarge"), is_retired("ml.p3dn.24xlarge"), is_retired("ml.g4dn.xlarge")
        (True, False, False)
    """
    return instance_type.rpartition(".")[0] in RETIRED_FAMILIES
