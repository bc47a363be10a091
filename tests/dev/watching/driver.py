"""Runs one watcher in a process of its own, so that it can live in namespaces of its own.

Prints each change and problem as a JSON line; a line on standard input is run as a shell
command, in the same namespaces; the end of standard input ends it.
"""

import json
import subprocess
import sys
import threading

from wiverno.dev.watching.watcher import ChangeKind, Watcher

_output_lock = threading.Lock()


def say(what: str, text: str) -> None:
    with _output_lock:
        sys.stdout.write(json.dumps([what, text]) + "\n")
        sys.stdout.flush()


def say_change(kind: ChangeKind, path: str) -> None:
    say(str(kind), path)


def main(directories: list[str]) -> None:
    watcher = Watcher(directories, None, say_change, lambda text: say("problem", text))
    watcher.start()
    watcher.ready.wait(10)
    say("ready", "")
    for line in sys.stdin:
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
        say("ran", f"{done.returncode} {done.stderr}".strip())
    watcher.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
