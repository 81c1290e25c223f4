"""Finds the Chromium that the browser tests drive: $CHROMIUM, the PATH, or Debian's package when root."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = "apt-get update && apt-get install --yes --no-install-recommends chromium"


def find():
    """Return the path of a Chromium, installing Debian's if this is a Debian machine and we are root.

    Raises
    ------
    SystemExit
        If there is none, with the line that installs it.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        path = shutil.which(named)
        if path is None:
            raise SystemExit(f"$CHROMIUM must be a program, got {named!r}")
        return path
    if not any(map(shutil.which, NAMES)) and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(INSTALL, shell=True, check=True, stdout=sys.stderr)
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise SystemExit(
            f"The browser tests need Chromium. Set $CHROMIUM, or install it:\n    sudo sh -c '{INSTALL}'"
        )
    return path


if __name__ == "__main__":
    print(find())
