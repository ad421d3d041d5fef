"""`python -m lab`: the process around the command line, that ends with one sentence however it is stopped."""

import signal
import sys
import threading

_INTERRUPTED = 128 + signal.SIGINT
_AGAIN = 0.01  # seconds


def _bring_again(lost: "sys.UnraisableHookArgs") -> None:
    """Bring a Ctrl-C again that came where Python can raise nothing: in a weakref's callback or a __del__."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    main = threading.main_thread().ident
    # later, as nothing can be raised here, either; and to the thread that may be waiting, which wakes up from it
    later = threading.Timer(_AGAIN, signal.pthread_kill, [main, signal.SIGINT])
    later.daemon = True
    later.start()


def run() -> int:
    """Run a command from the process's arguments; return its exit status."""
    # Held back until somebody waits for it, by private.enter already: Python may lose one that comes within an import.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # A script's shell has SIGINT ignored for what it starts in the background; what follows needs it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The default would leave dumpcap, which has a session of its own, running when a terminal is closed. Where nohup(1)
    # has SIGHUP ignored, it stays so.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    sys.unraisablehook = _bring_again
    from lab.cli import main  # noqa: PLC0415  (slow, and so not before the lines above)

    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return main()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return _INTERRUPTED
    finally:
        # all is said: what comes now ends the process without a traceback of Python's own end
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(run())
