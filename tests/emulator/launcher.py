"""Runs LocalEmu until standard input closes, then leaves neither a process nor a file of it behind.

Run as `python launcher.py DIRECTORY` with the emulator's settings in the environment. The test process holds the other
end of standard input, so however it ends (a panic, a kill) the pipe closes and the emulator ends with it.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path


def kill_group(emulator):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(emulator.pid, signal.SIGKILL)


def kill_when_input_closes(emulator):
    while os.read(0, 4096):
        pass
    kill_group(emulator)


def main():
    directory = sys.argv[1]
    # An interrupt of the terminal ends the test process, and through the pipe this one: not before it has tidied up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        emulator = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("emulator.py")], stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            threading.Thread(target=kill_when_input_closes, args=[emulator], daemon=True).start()
            status = emulator.wait()
        finally:
            kill_group(emulator)
            emulator.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
