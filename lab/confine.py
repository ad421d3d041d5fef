"""Takes limits upon itself, then becomes the command: what `lab.sandbox` starts inside its walls.

Runs by path in a bare Python (`python -I -S lab/confine.py …`) and imports next to nothing, so it costs some ten
milliseconds. It must not know what the command is. That a program sets its own limits spares `preexec_fn`, which is not
safe in a caller with threads, and works where there is no `prlimit` (macOS).
"""

import os
import resource
import signal
import sys
from collections.abc import Sequence

NOT_STARTED = 126
NOT_FOUND = 127  # as a shell says it


def main(argv: Sequence[str] | None = None) -> int:
    """Become the command, or say why not.

    Args:
        argv: a socket that tells one byte when the command may begin, and is told one when it does; what become the
            command's standard input and output; the user and group number to become, or -1; the limits: CPU seconds,
            bytes of memory, bytes a file, processes (0: as many as there may be), open files; then the command. The
            folder is `HOME`.

    Returns:
        NOT_FOUND, when the command cannot be started, or NOT_STARTED, when nobody wants it any more: it does not return
        otherwise.
    """
    words = sys.argv[1:] if argv is None else argv
    ready, given, out, user, seconds, memory, file_size, processes, files = map(int, words[:9])
    command = list(words[9:])
    # Where memory runs out, this goes first, and not the grader.
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123 - pathlib is slow to import
            score.write("1000")
    except OSError:
        pass  # macOS has none
    if user >= 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    os.chdir(os.environ["HOME"])
    os.environ.pop("PWD", None)  # where bubblewrap was
    os.dup2(given, 0)
    os.dup2(out, 1)
    # Nothing but the three streams goes on to the command; closed before the limit of open files hides what is above.
    os.closerange(3, ready)
    os.closerange(ready + 1, 1 << 16)
    os.set_inheritable(ready, False)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, seconds, grace=1)  # the first is a signal that says so, the second kills
    _limit(resource.RLIMIT_FSIZE, file_size)
    _limit(resource.RLIMIT_NOFILE, files)
    if processes:
        _limit(resource.RLIMIT_NPROC, processes)
    # Python ignores these two, and what is ignored stays so in the command.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    if not os.read(ready, 1):
        return NOT_STARTED
    os.write(ready, b"1")
    _limit(resource.RLIMIT_AS, memory)
    try:
        os.execvp(command[0], command)  # noqa: S606 - a program, not a shell
    except (OSError, MemoryError) as error:
        os.write(2, f"{command[0]} cannot be started: {error}\n".encode(errors="replace"))
    return NOT_FOUND


def _limit(what: int, most: int, *, grace: int = 0) -> None:
    """Lower one limit; never above what is already set. macOS refuses some (memory), and goes without them."""
    _, hard = resource.getrlimit(what)
    top = most + grace if hard == resource.RLIM_INFINITY else min(most + grace, hard)
    try:
        resource.setrlimit(what, (min(most, top), top))
    except (OSError, ValueError):
        if sys.platform != "darwin":
            raise


if __name__ == "__main__":
    sys.exit(main())
