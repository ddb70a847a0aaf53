"""What a proof found: `proof.json` for programs, `proof.md` for a bug report, both without the account's names."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.prove.trial import Trial
from pipeline.prove.verdict import Assumption, Outcome, Verdict

JSON_FILE, MARKDOWN_FILE = "proof.json", "proof.md"
OFFLINE_NOTE = "This ran against the offline AWS: it shows that the tests run, and proves nothing of AWS."
_HEADINGS = {
    Outcome.BROKE: "Broke: AWS says otherwise",
    Outcome.HELD: "Held",
    Outcome.NOT_TRIED: "Not tried",
}


@dataclass
class Proof:
    """The verdicts of one run.

    Attributes:
        region: where it ran.
        offline: whether that was the offline AWS.
        budget_usd: what it might cost; None for free tests only.
        spent_usd: what it has cost at the most.
        assumptions: all that there are, in the order of the catalogue.
        verdicts: by assumption.
    """

    region: str
    offline: bool
    budget_usd: float | None
    assumptions: list[tuple[Trial, Assumption]]
    spent_usd: float = 0.0
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc).replace(microsecond=0))

    def add(self, verdict: Verdict) -> None:
        """Take in a verdict."""
        self.verdicts[verdict.assumption] = verdict

    def count(self, outcome: Outcome) -> int:
        """Return how many assumptions had an outcome."""
        return Counter(verdict.outcome for verdict in self.verdicts.values())[outcome]

    def as_json(self) -> dict[str, Any]:
        """Return the proof as `proof.json` has it; these keys stay."""
        return {
            "format": 1,
            "groundloop": version("groundloop"),
            "sagemaker_sdk": version("sagemaker"),
            "started": self.started.isoformat(),
            "region": self.region,
            "offline": self.offline,
            "budget_usd": self.budget_usd,
            "spent_usd_at_most": round(self.spent_usd, 4),
            "counts": {outcome.value: self.count(outcome) for outcome in Outcome},
            "assumptions": [self._entry(trial, assumption) for trial, assumption in self.assumptions],
        }

    def _entry(self, trial: Trial, assumption: Assumption) -> dict[str, Any]:
        verdict = self.verdicts[assumption.id]
        return {
            "id": assumption.id,
            "trial": trial.id,
            "statement": assumption.statement,
            "matters": assumption.matters,
            "test": assumption.test,
            "source": assumption.source,
            "outcome": verdict.outcome.value,
            "text": verdict.text,
            "aws_says": verdict.words,
        }

    def as_markdown(self) -> str:
        """Return the proof as a report."""
        counts = ", ".join(f"{self.count(outcome)} {outcome.value}" for outcome in Outcome)
        spent = "nothing was paid for" if self.budget_usd is None else f"at most ${self.spent_usd:.2f} spent"
        lines = [
            "# groundloop prove",
            "",
            f"{counts}; {spent}.",
            "",
            *([f"**{OFFLINE_NOTE}**", ""] if self.offline else []),
            f"- groundloop {version('groundloop')}, sagemaker SDK {version('sagemaker')}",
            f"- region {self.region}, {self.started.isoformat()}",
        ]
        for outcome, heading in _HEADINGS.items():
            found = [
                (assumption, self.verdicts[assumption.id])
                for _, assumption in self.assumptions
                if self.verdicts[assumption.id].outcome is outcome
            ]
            if found:
                lines += ["", f"## {heading}"]
            if outcome is Outcome.NOT_TRIED:
                lines += ["", *(_item(assumption, verdict) for assumption, verdict in found)]
                continue
            for assumption, verdict in found:
                lines += _section(assumption, verdict)
        return "\n".join(lines) + "\n"


def _section(assumption: Assumption, verdict: Verdict) -> list[str]:
    lines = ["", f"### `{assumption.id}`", "", assumption.statement, "", f"- {_sentence(verdict.text)}"]
    if verdict.outcome is Outcome.BROKE:
        lines += [f"- Matters because: {assumption.matters}", f"- Test: {assumption.test}"]
    if verdict.words:
        # A fence longer than any in AWS's words keeps them inside.
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", verdict.words) or [""]))
        lines += ["- AWS says:", "", fence, verdict.words, fence]
    return [*lines, f"- Source: {assumption.source}"] if verdict.outcome is Outcome.BROKE else lines


def _item(assumption: Assumption, verdict: Verdict) -> str:
    words = f" (AWS says: {' '.join(verdict.words.split())})" if verdict.words else ""
    return f"- `{assumption.id}`: {verdict.text}{words}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def redactor(config: Config, account: str) -> Callable[[str], str]:
    """Return what takes the account's id and the bucket's and the role's names out of a text."""
    role = config.aws.role.rsplit("/", 1)[-1]
    # The role first: the bucket's name may be part of its name.
    names = {
        f"role/{role}": "role/<role>",
        account: "<account>",
        config.aws.role.split(":")[4]: "<account>",
        config.aws.bucket: "<bucket>",
    }

    def redact(text: str) -> str:
        for name, shown in names.items():
            text = text.replace(name, shown)
        # Whoever calls: the user's name is nobody's business.
        return re.sub(r"(:user/|:assumed-role/[^/\s]+/)[^\s\"']+", r"\1<name>", text)

    return redact


def write(proof: Proof, folder: Path, redact: Callable[[str], str]) -> None:
    """Write both files."""
    text = json.dumps(proof.as_json(), indent=2, ensure_ascii=False)
    (folder / JSON_FILE).write_text(redact(text) + "\n", encoding="utf-8")
    (folder / MARKDOWN_FILE).write_text(redact(proof.as_markdown()), encoding="utf-8")
