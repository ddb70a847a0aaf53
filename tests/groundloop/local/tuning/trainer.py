"""A stand-in for an algorithm whose curves are known: it prints the lines of the built-in one, and trains nothing.

Hyperparameters: `x` (a number), `epochs`, `broken` (values of x that fail, with commas between them), `hangs` (values
of x that never end after the first epoch), `silent` (no objective metric).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path


def result(x: float) -> float:
    """Return the final objective metric: 0.9 at x = 3, less elsewhere."""
    return 0.9 - 0.1 * abs(x - 3)


def value(x: float, epoch: int) -> float:
    """Return the objective metric after an epoch, which comes ever nearer to `result`."""
    return result(x) * (1 - 0.5 ** (epoch + 1))


def main(opt_ml: Path) -> int:
    given = json.loads((opt_ml / "input" / "config" / "hyperparameters.json").read_text())
    sys.stdout.write(f"process {os.getpid()}\n")
    x = float(given["x"])
    named = {key: [float(item) for item in given.get(key, "").split(",") if item] for key in ("broken", "hangs")}
    if x in named["broken"]:
        (opt_ml / "output" / "failure").write_text(f"x={given['x']} is broken")
        return 1
    for epoch in range(int(given.get("epochs", "4"))):
        if "silent" not in given:
            line = f"#quality_metric: host=algo-1, epoch={epoch}, validation mAP <score>=({value(x, epoch):.6f})\n"
            sys.stdout.write(line)
            sys.stdout.flush()
        if x in named["hangs"]:
            signal.pause()
    (opt_ml / "model" / "model.json").write_text(json.dumps(given))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
