"""Run by unshare(1) at the start of a private loopback: brings the interface up, then becomes the command it is given.

Imports nothing of the lab, so that it runs as a plain script wherever the lab is: `python capture/private.py COMMAND
…`.
"""

import fcntl
import os
import socket
import struct
import sys

# linux/sockios.h and linux/if.h; netdevice(7)
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_IFREQ = "16sH22x"


def raise_loopback(name: str = "lo") -> None:
    """Bring the loopback interface of this network namespace up; in a new one it is down.

    Raises:
        OSError: this process may not.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack(_IFREQ, name.encode(), 0)
        (_, flags) = struct.unpack(_IFREQ, fcntl.ioctl(control, _SIOCGIFFLAGS, request))
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack(_IFREQ, name.encode(), flags | _IFF_UP))


if __name__ == "__main__":
    raise_loopback()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606  (becoming that command is what this is for)
