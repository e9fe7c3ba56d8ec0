"""C5: the state machine, every pair of states, and that nobody goes round it."""

import ast
from itertools import product

import pytest

from core.errors import IllegalTransitionError
from core.infra.jobs.transitions import change
from core.infra.tables import JobState
from tests.tree import ROOT, python_files

LEGAL = {
    ("queued", "running"), ("queued", "cancelled"),
    ("running", "completed"), ("running", "failed"), ("running", "cancelled"), ("running", "queued"),
    ("failed", "queued"), ("cancelled", "queued"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), list(product(JobState, JobState)))
def test_c5_every_pair_of_states(before: JobState, after: JobState) -> None:
    """C5."""
    if (before, after) in LEGAL:
        assert change(before, after) is after
    else:
        with pytest.raises(IllegalTransitionError, match=f"{before} cannot become {after}"):
            change(before, after)


def test_unknown_states_are_refused() -> None:
    with pytest.raises(ValueError, match="paused"):
        change("running", "paused")


def test_nobody_else_changes_a_state() -> None:
    """No assignment to an attribute `state`, and no UPDATE of it, outside `transitions`."""
    faults = []
    for path in python_files():
        if path.parts[0] != "core" or path.name == "transitions.py":
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else []
            faults += [f"{path}:{t.lineno}" for t in targets if isinstance(t, ast.Attribute) and t.attr == "state"]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values":
                faults += [f"{path}:{node.lineno}" for keyword in node.keywords if keyword.arg == "state"]
    # Values of other classes may have a state too; rows of jobs are only in the database layer.
    assert [fault for fault in faults if fault.startswith("core/infra/jobs")] == []
