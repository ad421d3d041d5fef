import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.private import raise_loopback

SCRIPT = Path(__file__).parents[2] / "capture" / "private.py"
NAMESPACE = ("--user", "--map-root-user", "--net")


def test_loopback_is_up_in_a_namespace_of_its_own(tool: Callable[[str], str]) -> None:
    unshare = tool("unshare")

    def flags(*command: str) -> int:
        done = subprocess.run(
            [
                unshare,
                *NAMESPACE,
                "--mount",
                *command,
                "sh",
                "-c",
                "mount -t sysfs none /sys; cat /sys/class/net/lo/flags",
            ],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(done.stderr)
        return int(done.stdout, 16)

    up = 0x1  # IFF_UP, netdevice(7)
    assert not flags() & up
    assert flags(sys.executable, str(SCRIPT)) & up


def test_becomes_the_command_with_its_arguments_and_status(tool: Callable[[str], str]) -> None:
    command = [tool("unshare"), *NAMESPACE, sys.executable, str(SCRIPT), "sh", "-c", 'echo "$1"; exit 7', "sh", "a b"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if "unshare" in done.stderr:
        pytest.skip(done.stderr)
    assert (done.stdout, done.returncode) == ("a b\n", 7)


def test_an_interface_that_is_not_there() -> None:
    with pytest.raises(OSError, match="No such device"):
        raise_loopback("nowhere")
