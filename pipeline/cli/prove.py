"""`groundloop prove`: try in the account what only AWS can settle."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_json_text, print_line, print_values

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.prove.budget import Budget
    from pipeline.prove.trial import Trial

_DEFAULT_BUDGET_USD = 2.0


class Tier(str, Enum):
    """Which trials are run."""

    FREE = "free"
    SMALL = "small"


def prove(
    run: Annotated[
        Tier | None, typer.Option("--run", help="free: what is free on AWS; small: also what costs cents.")
    ] = None,
    budget: Annotated[
        float, typer.Option(min=0, help="US dollars that --run small may cost at most.")
    ] = _DEFAULT_BUDGET_USD,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ID", help="One assumption or trial; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Spend without asking.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Only remove what an earlier proof has left.")] = False,
    policy: Annotated[
        bool, typer.Option("--policy", help="Print the least-privilege role for --run small; asks AWS nothing.")
    ] = False,
    output: Annotated[Path, typer.Option(help="Folder of journal.jsonl, proof.json and proof.md.")] = Path("proof"),
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Test in the account what only AWS can settle.

    Lists the assumptions, or tries them: each one held, broke or was not tried.

    What a proof makes is written into a journal before it is made, and removed afterwards, also after Ctrl-C. After
    anything worse, `groundloop prove --clean` removes it. Exit code 1 when an assumption broke.

    Example: groundloop prove --run free --config configs/prod.yaml
    """
    settings = load(config, assignments)
    if policy:
        _print_policy(settings)
    elif clean:
        _clean(settings, output)
    elif run is None:
        _list(settings, only or [], as_json)
    else:
        _prove(settings, run, budget, only or [], yes=yes, output=output, as_json=as_json)


def _print_policy(settings: Config) -> None:
    from pipeline.doctor import container_images
    from pipeline.doctor.role_policy import policies
    from pipeline.prove.probe_config import role_config

    probe = role_config(settings)
    print_json(policies(probe, container_images(probe)))


def _clean(settings: Config, output: Path) -> None:
    from pipeline.prove.journal import Journal
    from pipeline.prove.runner import Account, clean

    journal = Journal(output)
    try:
        if journal.left:
            clean(Account.of(settings), journal, print_line)
        print_line("nothing is left of a proof")
    finally:
        journal.close()


def _list(settings: Config, only: list[str], as_json: bool) -> None:
    from pipeline.prove.budget import Budget, price_lookup
    from pipeline.prove.catalogue import chosen

    budget, trials = Budget(0, price_lookup(settings)), chosen(only, paid=True)
    if as_json:
        entries = [
            {
                "id": assumption.id,
                "statement": assumption.statement,
                "matters": assumption.matters,
                "test": assumption.test,
                "source": assumption.source,
                "trial": trial.id,
                "free": trial.free,
                "by_hand": bool(trial.by_hand),
                "usd_at_most": None if trial.by_hand else budget.bound_usd(trial),
                "creates": trial.creates,
            }
            for trial in trials
            for assumption in trial.assumptions
        ]
        print_json({"assumptions": entries})
        return
    for trial in trials:
        print_line(f"{trial.id}: {_cost(trial, budget)}; creates {'; '.join(trial.creates) or 'nothing'}")
        for assumption in trial.assumptions:
            print_line(f"  {assumption.id}")
            described = {
                "assumed": assumption.statement,
                "matters": assumption.matters,
                "test": assumption.test,
                "source": assumption.source,
            }
            print_values(described, indent=4)
        print_line()
    print_line("next: groundloop prove --run free; then groundloop prove --run small --budget 2")


def _cost(trial: Trial, budget: Budget) -> str:
    if trial.by_hand:
        return "by hand"
    if trial.free:
        return "free"
    bound = budget.bound_usd(trial)
    return "price unknown (set costs.hourly_usd)" if bound is None else f"at most ${bound:.2f}"


def _prove(
    settings: Config, tier: Tier, budget_usd: float, only: list[str], *, yes: bool, output: Path, as_json: bool
) -> None:
    from groundloop.aws import offline_endpoint
    from pipeline.prove.budget import Budget, price_lookup
    from pipeline.prove.catalogue import chosen
    from pipeline.prove.journal import Journal
    from pipeline.prove.proof import JSON_FILE, MARKDOWN_FILE, OFFLINE_NOTE
    from pipeline.prove.runner import Account, clean, run
    from pipeline.prove.verdict import Outcome

    def tell(line: str) -> None:
        print_line(line, to_stderr=as_json)

    paid = tier is Tier.SMALL
    trials = chosen(only, paid=paid)
    budget = Budget(budget_usd, price_lookup(settings)) if paid else None
    journal = Journal(output)
    try:
        account = Account.of(settings)
        tell(f"AWS: offline. {OFFLINE_NOTE}" if offline_endpoint() else f"AWS: {settings.aws.region}")
        if journal.left:
            tell(f"an earlier proof has left {len(journal.left)} resources")
            clean(account, journal, tell)
        if budget is not None and not yes:
            _ask(trials, budget)
        proof = run(account, trials, journal, budget, output, tell)
    finally:
        journal.close()
    tell("\n" + ", ".join(f"{outcome.value}: {proof.count(outcome)}" for outcome in Outcome))
    if budget is not None:
        tell(f"spent at most ${proof.spent_usd:.2f} of ${budget.limit_usd:.2f}")
    tell(f"report: {output / MARKDOWN_FILE}, {output / JSON_FILE}")
    if as_json:
        print_json_text((output / JSON_FILE).read_text(encoding="utf-8").removesuffix("\n"))
    if proof.count(Outcome.BROKE):
        raise typer.Exit(1)


def _ask(trials: list[Trial], budget: Budget) -> None:
    """Show what each paid trial may cost and ask whether to go on."""
    for trial in trials:
        if not (trial.free or trial.by_hand):
            print_line(f"{trial.id}: {_cost(trial, budget)}; creates {'; '.join(trial.creates)}", to_stderr=True)
    typer.confirm(f"Spend up to ${budget.limit_usd:.2f} on these?", abort=True, err=True)
