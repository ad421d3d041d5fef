"""Records the runs of tests/data/runs: `python -m tests.data.make_runs` for all of them, or with the names of some.

Each is a zip of the folder that the command leaves, made live on this machine's loopback (needs the right to capture).
The notebooks show one where nothing can be run. Their keys are test material, worth nothing to anyone.
"""

import sys
import tempfile
from pathlib import Path

from lab.cli import main as lab
from lab.notebook import shipped

RUNS = {
    "demo-plain": ("demo", "plain", "--plain-port", "12345"),
    "demo-tls": ("demo", "tls", "--tls-port", "12346"),
    "demo-tls-tls-1.2": ("demo", "tls", "--tls-port", "12346", "--tls", "1.2"),
    "demo-both": ("demo", "both", "--plain-port", "12345", "--tls-port", "12346"),
    "scenario-keys": ("scenario", "keys"),
    "scenario-mitm": ("scenario", "mitm"),
    "scenario-leaks": ("scenario", "leaks"),
    "scenario-fakes": ("scenario", "fakes"),
    "scenario-tamper": ("scenario", "tamper"),
}


def main(names: list[str]) -> None:
    shipped.FOLDER.mkdir(exist_ok=True)
    for name in names or RUNS:
        with tempfile.TemporaryDirectory() as folder:
            if lab([*RUNS[name], "--way", "loopback", "--no-report", "--json", "--keep", folder]):
                raise SystemExit(f"{name} did not come out as expected: nothing was written.")
            (made,) = Path(folder).iterdir()
            shipped.pack(made, shipped.FOLDER / f"{name}.zip")
            sys.stderr.write(f"{name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
