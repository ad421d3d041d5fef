import subprocess
import sys

CODE = """
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell().run_cell('''
from lab.notebook.errors import CellError
raise CellError("Say it with other words.")
''')
"""


def test_a_cell_shows_the_sentence_and_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "Say it with other words."
    assert "Traceback" not in done.stdout + done.stderr
