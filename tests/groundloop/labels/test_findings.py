from __future__ import annotations

from groundloop.labels.findings import LabelCode, LabelFinding, Severity, Tally


def test_a_codes_name_says_its_severity() -> None:
    for code in LabelCode:
        assert code.value.startswith(f"{code.severity.name}_")
    assert LabelCode.UNLABELLED.severity is Severity.WARNING


def test_a_tally_counts_all_and_keeps_the_first_examples() -> None:
    tally = Tally(examples_kept=2)
    tally.add(LabelFinding(LabelCode.INVALID_BOX, "x", line) for line in range(1, 6))
    tally.add([LabelFinding(LabelCode.UNLABELLED, "y", 9)])
    assert tally.by_code() == {"ERROR_INVALID_BOUNDING_BOX": 5, "WARNING_UNANNOTATED_RECORD": 1}
    assert [finding.line for finding in tally.examples[LabelCode.INVALID_BOX]] == [1, 2]
    assert tally.in_words() == "ERROR_INVALID_BOUNDING_BOX 5, WARNING_UNANNOTATED_RECORD 1"
    assert Tally().in_words() == "no findings"
