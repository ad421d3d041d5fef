"""Makes each notebook from its source: `python -m lab.notebook.build`, or `make notebooks`.

The source is a Python file in jupytext's py:percent form; the .ipynb beside it holds no outputs, and comes out the same
every time.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebook(source: str) -> str:
    """Return the .ipynb of a source, as text."""
    made = jupytext.reads(source, fmt="py:percent")
    made.metadata = nbformat.from_dict(_METADATA)  # type: ignore[no-untyped-call]
    for number, cell in enumerate(made.cells, start=1):
        cell.id = f"cell-{number:02}"  # jupytext draws them by chance
        cell.metadata = {}
    nbformat.validate(made)
    text: str = nbformat.writes(made)  # type: ignore[no-untyped-call]
    return text + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Make the notebooks of the sources named, or of all; return the exit status."""
    named = [Path(name) for name in (sys.argv[1:] if argv is None else argv)]
    for source in named or sorted(FOLDER.glob("[0-9]*.py")):
        target = source.with_suffix(".ipynb")
        target.write_text(notebook(source.read_text("utf-8")), "utf-8")
        sys.stdout.write(f"{target}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
