"""What a student's code sees of this machine: the words that put bubblewrap around it, and its environment.

Knows bwrap(1), and where Python and the lab are; starts nothing. Only what is named here is there at all: this system's
programs and libraries, this Python and the lab's packages, all read-only, and the folder to write in.
"""

import os
import sys
from pathlib import Path

from lab.errors import LabError

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("capture", "certs", "chat", "lab", "tests/data")
_MADE_HERE = _ROOT / "certs" / "local"  # keys
# What programs need of a system. /etc/ssl itself may hold private keys.
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *(
        "/etc/alternatives",
        "/etc/crypto-policies",
        "/etc/fonts",
        "/etc/ld.so.cache",
        "/etc/ssl/certs",
        "/etc/ssl/openssl.cnf",
    ),
    *("/etc/hosts", "/etc/localtime", "/etc/nsswitch.conf", "/etc/protocols", "/etc/services", "/etc/wireshark"),
)
_PRIVATE = ("/tmp", "/dev/shm")  # noqa: S108 - places in memory where the code may write; gone when it ends
_ROOM = 64 << 20  # bytes of each of them
_EVERYBODY = 1 << 32  # how many user numbers there are outside of any user namespace


def walls(folder: Path, info: int, *, root: bool) -> list[str]:
    """Return the words that start bubblewrap; see bwrap(1). What comes later lies on top of what came before."""
    python = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent}
    seen = [Path(path) for path in _SYSTEM] + sorted(python) + [_ROOT / name for name in _PACKAGES]
    if any(path.is_relative_to(folder) for path in seen):
        msg = f"A student's code may not write in {folder}: the lab itself or this Python is in there."
        raise LabError(msg)
    words = ["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    words += ["--die-with-parent", "--info-fd", str(info), "--cap-drop", "ALL"]
    words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else ["--unshare-user"]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for place in _PRIVATE:
        words += ["--perms", "1777", "--size", str(_ROOM), "--tmpfs", place]
    # What leads to a place would else be open to root alone.
    above = {parent for path in (*seen, folder) for parent in path.parents if str(parent) not in ("/", *_PRIVATE)}
    for path in sorted(above):
        words += ["--perms", "0755", "--dir", str(path)]
    for path in seen:
        words += ["--ro-bind-try", str(path), str(path)]
    if _MADE_HERE.is_dir():
        words += ["--size", "4096", "--tmpfs", str(_MADE_HERE), "--remount-ro", str(_MADE_HERE)]
    words += ["--bind", str(folder), str(folder)]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--"]


def environment(folder: Path, *, isolated: bool) -> dict[str, str]:
    """Return all that the code finds in its environment. Without isolation, PATH is the person's own."""
    usual = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
    path = usual if isolated else os.environ.get("PATH", usual)
    own = Path(sys.executable).parent
    return {"PATH": f"{own}:{path}", "LANG": "C.UTF-8", "PYTHONPATH": str(_ROOT), "HOME": str(folder)}


def is_root_of_all() -> bool:
    """Tell whether this is root, and not merely the root of a user namespace: user_namespaces(7)."""
    return os.geteuid() == 0 and int(Path("/proc/self/uid_map").read_text().split()[2]) >= _EVERYBODY - 1
