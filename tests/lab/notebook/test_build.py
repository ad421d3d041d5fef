import json
from pathlib import Path

import nbformat
import pytest

from lab.notebook.build import main, notebook

SOURCE = """# %% [markdown]
# # Title
#
# Words, *some*.

# %%
x = 1
x

# %%
# !echo {x}
"""


def test_cells_of_the_source() -> None:
    made = nbformat.reads(notebook(SOURCE), as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(made)
    assert [(cell.cell_type, cell.source) for cell in made.cells] == [
        ("markdown", "# Title\n\nWords, *some*."),
        ("code", "x = 1\nx"),
        ("code", "!echo {x}"),
    ]
    assert made.metadata.kernelspec.name == "python3"
    assert [cell.outputs for cell in made.cells if cell.cell_type == "code"] == [[], []]


def test_the_same_every_time() -> None:
    assert notebook(SOURCE) == notebook(SOURCE)
    ids = [cell["id"] for cell in json.loads(notebook(SOURCE))["cells"]]
    assert len(set(ids)) == 3


def test_the_command_writes_beside_the_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "1-é.py"
    source.write_text(SOURCE.replace("Words", "Señas"), "utf-8")
    assert main([str(source)]) == 0
    target = tmp_path / "1-é.ipynb"
    assert "Señas" in target.read_text("utf-8")
    assert capsys.readouterr().out == f"{target}\n"
