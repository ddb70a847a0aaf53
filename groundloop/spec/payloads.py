"""The sizes of requests that SageMaker takes for inference.

Real-time: `Body` of InvokeEndpoint in the service model. Serverless: "Invoke a serverless endpoint" in the SageMaker
developer guide. Batch Transform: `MaxPayloadInMB` in the API reference.
"""

from __future__ import annotations

MEGABYTE = 1024 * 1024
#: Maximum request of a real-time endpoint, in bytes.
MAX_REAL_TIME_BYTES = 6 * MEGABYTE
#: Maximum request of a serverless endpoint, in bytes.
MAX_SERVERLESS_BYTES = 4 * MEGABYTE
#: Maximum of `MaxPayloadInMB`, and of its product with `MaxConcurrentTransforms`.
MAX_TRANSFORM_MB = 100
