import subprocess
import sys
from typing import get_args

from lab.cli_scenario import Name
from lab.scenarios.catalogue import SCENARIOS


def test_the_command_line_knows_them_all() -> None:
    assert tuple(SCENARIOS) == get_args(Name)


def test_other_commands_do_not_wait_for_them() -> None:
    code = "import sys, lab.cli; print([name for name in sys.modules if name.startswith('lab.scenarios.keys')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
