"""`groundloop review`: people correct what the model doubts, on a page of our own."""

from __future__ import annotations

import typer

from pipeline.cli.option_groups import with_option_groups
from pipeline.cli.options import Assignments, ConfigFiles
from pipeline.cli.review.doubts import review_doubts
from pipeline.cli.review.exchange import pull, push
from pipeline.cli.review.export import export
from pipeline.cli.review.finish import finish
from pipeline.cli.review.insight import insight
from pipeline.cli.review.new import From, Images, new
from pipeline.cli.review.restore import restore
from pipeline.cli.review.selecting import SelectionOptions
from pipeline.cli.review.serve import release, revoke, serve, status
from pipeline.cli.review.serving import NoBrowser, Port, ReviewerNames

app = typer.Typer(rich_markup_mode=None)
app.command("new")(new)
app.command("serve")(serve)
app.command("status")(status)
app.command("insight")(insight)
app.command("finish")(finish)
app.command("export")(export)
app.command("restore")(restore)
app.command("push")(push)
app.command("pull")(pull)
app.command("release")(release)
app.command("revoke")(revoke)


@app.callback(invoke_without_command=True)
@with_option_groups
def review(
    context: typer.Context,
    selection: SelectionOptions,
    from_: From = None,
    images: Images = None,
    reviewers: ReviewerNames = None,
    port: Port = 0,
    no_browser: NoBrowser = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Correct by hand what the model doubts.

    With --from: makes a queue of the images on which that model is expected to err most, and serves its page. A queue
    that was made before is continued.

    Example: groundloop review --from .groundloop/20261121-093000-4711
    """
    if context.invoked_subcommand:
        return
    if from_ is None:
        raise typer.BadParameter("give --from, or one of the commands: groundloop review --help")
    from groundloop.review.serve import Address

    review_doubts(
        from_,
        Address(port=port),
        reviewers=reviewers,
        browser=not no_browser,
        evaluated_in=images,
        selection=selection,
        config=config,
        assignments=assignments,
    )
