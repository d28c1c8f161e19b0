"""The kernels that execute chapters: what they import, and the ports by which they are reached."""

import contextlib
import os
import socket
import sys

from jupyter_client.connect import LocalPortCache

from tools import TOP

FIRST, BLOCK = 10_000, 20  # below the ports that any system gives to connections


class Ports(LocalPortCache):
    """Gives each kernel ports out of a block that belongs to the process that starts it.

    A port is chosen here, and bound by the kernel seconds later. Of the ports that the system
    chooses, those of all connections, another kernel or a browser takes one in between: of 18
    kernels started side by side on 16 cores, one died of that.
    """

    given = 0

    def find_available_port(self, ip: str) -> int:
        """Return the next port of this process's block that is free, else any other."""
        for _ in range(BLOCK):
            self.given += 1
            port = FIRST + os.getpid() % 1000 * BLOCK + self.given % BLOCK
            with contextlib.suppress(OSError), socket.socket() as tried:
                if sys.platform != "win32":  # where it would share a port that is in use
                    tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind((ip, port))
                return port
        return super().find_available_port(ip)


def prepare_kernels() -> None:
    """Let kernels import the package of this checkout, show no progress bars, and find ports."""
    paths = [str(TOP), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.environ["TQDM_DISABLE"] = "1"
    Ports.instance()
