"""The states of a task, and to whom it is given."""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """What a task waits for; the lower, the sooner it is given out.

    Attributes:
        OPEN: nobody has answered it.
        WAITING: another person is to answer it: more than one answer is wanted, the answers disagree, or nobody but
            those who skipped it or are unsure has answered.
        ADJUDICATION: the answers disagree, and as many people as may be asked have answered: somebody decides.
        DONE: it has its answers.
        WITHDRAWN: it is not given out any more.
    """

    OPEN = 0
    WAITING = 1
    ADJUDICATION = 2
    DONE = 3
    WITHDRAWN = 4


#: SQL: whether a row of `task` may be given to `:reviewer`, leases aside. Nobody is asked twice for an independent
#: answer. Appointed adjudicators decide, whether they have answered or not; where none is appointed, whoever has not.
#: `+state` keeps SQLite from looking each state up in the index by itself, after which it would sort all rows.
IS_FOR_REVIEWER = f"""(
    +state = {State.OPEN.value}
    OR +state = {State.WAITING.value}
        AND NOT EXISTS (SELECT 1 FROM answer WHERE task = task.id AND reviewer = :reviewer)
    OR +state = {State.ADJUDICATION.value} AND CASE
        WHEN EXISTS (SELECT 1 FROM adjudicator) THEN EXISTS (SELECT 1 FROM adjudicator WHERE reviewer = :reviewer)
            AND NOT EXISTS (SELECT 1 FROM answer WHERE task = task.id AND reviewer = :reviewer AND adjudicates)
        ELSE NOT EXISTS (SELECT 1 FROM answer WHERE task = task.id AND reviewer = :reviewer) END
)"""  # noqa: S608 (constants)
