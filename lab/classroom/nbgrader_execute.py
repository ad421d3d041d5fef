"""How nbgrader grades a course of the lab: it runs the test cells of a hand-in, and no cell of the student's.

The only module that imports nbgrader, and so for its environment only (the extra `nbgrader`). It relies on what
nbgrader does before: a locked cell that it knows has the source that the teacher gave it, whatever was handed in
(`nbgrader.preprocessors.OverwriteCells`), and an id is taken from each that it does not know.
"""

import os
from pathlib import Path
from typing import Any

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    Execute,
    IgnorePattern,
    LimitOutput,
    SaveAutoGrades,
)
from nbgrader.utils import is_grade, is_locked

from lab.classroom.nbgrader_tests import WrongError, found
from lab.errors import LabError
from lab.exercises.catalogue import EXERCISES

_PATIENCE = 300  # seconds, for what takes longest: code that was handed in, run in its sandbox


def configure(settings: Any) -> None:
    """Set what grading needs, in nbgrader's settings."""
    settings.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE"}  # above answers that begin empty; raises nothing
    settings.Autograde.autograde_preprocessors = [
        ExecuteTests,
        IgnorePattern,
        ClearMetadataPreprocessor,
        LimitOutput,
        SaveAutoGrades,
        AssignLatePenalties,
        CheckCellMetadata,
    ]
    # the last is for the output of a cell: by itself 4 s, too few where a machine is busy
    settings.Execute.timeout = settings.Execute.startup_timeout = settings.Execute.iopub_timeout = _PATIENCE
    # the kernel starts in the folder of the hand-in: a json.py in it must not be what `import json` imports
    os.environ["PYTHONSAFEPATH"] = "1"
    settings.Execute.extra_arguments = ["--HistoryManager.hist_file=:memory:", "--IPKernelApp.ignore_cwd=True"]


class ExecuteTests(Execute):  # type: ignore[misc]  # nbgrader has no types
    """Runs the test cells of the lab's exercises; of other assignments it runs everything, as nbgrader does."""

    def preprocess(self, notebook: Any, resources: Any, *args: Any, **more: Any) -> Any:
        """Run a notebook; an error, and no zero, where it cannot be judged.

        Raises:
            LabError: the course's secret or roster cannot be read, or the student is not in it.
        """
        self._tests_only = resources["nbgrader"]["assignment"] in {exercise.folder for exercise in EXERCISES}
        if self._tests_only:
            found(Path(resources["metadata"]["path"]).absolute())
        return super().preprocess(notebook, resources, *args, **more)

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> Any:
        """Run a cell, or leave it as it is.

        Raises:
            LabError: it could not be judged, for which nbgrader itself would give a zero.
        """
        if not self._tests_only:
            return super().preprocess_cell(cell, resources, index)
        if is_grade(cell) and is_locked(cell) and cell.metadata["nbgrader"].get("grade_id"):
            cell, resources = super().preprocess_cell(cell, resources, index)
            for output in cell.outputs:
                if output.output_type == "error" and output.ename != WrongError.__name__:
                    msg = f"{output.ename}: {output.evalue}"
                    raise LabError(msg)
        return cell, resources
