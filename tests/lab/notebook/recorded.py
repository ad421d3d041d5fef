"""The recorded runs that come with the lab, as the notebooks get them where nothing can be run."""

import json
from pathlib import Path

from lab.folder import make_folder
from lab.notebook import shipped
from lab.notebook.live import Run


def recorded(name: str, folder: Path) -> Run:
    """Return the recorded run of a scenario, unpacked into a new folder within `folder`."""
    target = make_folder(folder, name)
    shipped.unpack(shipped.FOLDER / f"scenario-{name}.zip", target)
    verdict = json.loads(target.verdict.read_text("ascii"))
    return Run(f"python -m lab scenario {name}", target.path, verdict, live=False, made="A recorded run.")
