"""Firefox, driven by its own protocol: nothing needs to be installed but the browser."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

# Whatever speaks to other hosts by itself is off; the port is one that the system gives.
PREFERENCES = """
user_pref("marionette.port", 0);
user_pref("network.proxy.type", 0);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.update.enabled", false);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:9/");
user_pref("browser.shell.checkDefaultBrowser", false);
"""
SECONDS = 120.0


def find() -> str | None:
    """Return the program, or None."""
    named = os.environ.get("HWLIB_FIREFOX")
    return named or next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)


class Firefox:
    """One Firefox with a fresh profile; use it in a ``with`` statement."""

    def __init__(self, program: str) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (Path(self._folder.name) / "user.js").write_text(PREFERENCES)
        command = [program, "--headless", "--marionette", "--no-remote", "--profile"]
        self._process = subprocess.Popen(
            [*command, self._folder.name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._socket = socket.create_connection(("127.0.0.1", self._port()), timeout=SECONDS)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._read()  # its greeting
        self.command("WebDriver:NewSession")

    def _port(self) -> int:
        """Wait for the file in which Firefox says where it listens."""
        said = Path(self._folder.name) / "MarionetteActivePort"
        end = time.monotonic() + SECONDS
        while not (said.exists() and said.read_text().strip()):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("Firefox did not start.")
            time.sleep(0.05)
        return int(said.read_text())

    def _read(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            if not byte:
                raise RuntimeError("Firefox closed the connection.")
            length += byte
        return json.loads(self._stream.read(int(length)))

    def command(self, name: str, **parameters: object) -> Any:
        """Send a command and return its result.

        Raises
        ------
        RuntimeError
            If Firefox answers with an error.
        """
        self._number += 1
        text = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, result = self._read()
        if error:
            raise RuntimeError(f"{name}: {error['error']}: {error['message']}")
        return result.get("value", result) if isinstance(result, dict) else result

    def call(self, script: str, *arguments: object) -> Any:
        """Run a script that calls its last argument with the result."""
        return self.command(
            "WebDriver:ExecuteAsyncScript", script=script, args=list(arguments), sandbox=None
        )

    def __enter__(self) -> "Firefox":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)
        self._stream.close()
        self._socket.close()
        self._folder.cleanup()
