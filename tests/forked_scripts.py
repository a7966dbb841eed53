"""Scripts, each in a process of its own, which begins where SciPy and pandas are imported.

These take a second; scikit-learn, OpenMP and fastmlp are loaded by the script itself, as by a
user's, and obey the variables of its environment.
"""

import json
import subprocess
import sys
from pathlib import Path

SERVER = """
import atexit, json, os, signal, sys, warnings
import pandas, scipy.stats

# Their threads wait for work that there will be none of.
warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)


def end():
    sys.stdout.flush()
    os._exit(status)


for line in iter(sys.stdin.readline, ""):
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
signal.alarm(120)  # a hang is an error
for number, path in enumerate([os.devnull, asked["stdout"], asked["stderr"]]):
    os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
for name, value in asked["environment"].items():
    os.environ.pop(name, None) if value is None else os.environ.update({name: value})
if not asked["teardown"]:
    atexit.register(end)  # after all that the script registers
status = 1
exec(compile(asked["script"], "<string>", "exec"), {"__name__": "__main__"})
status = 0
"""


class ForkedScripts:
    """Runs scripts with warnings as errors; the process that they are forked from starts once."""

    def __init__(self, folder: Path):
        self._outputs = {name: str(folder / name) for name in ("stdout", "stderr")}
        self._server = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(
        self, script: str, *, teardown: bool = False, **environment: str | None
    ) -> subprocess.CompletedProcess[str]:
        """What a script printed, and how it ended.

        A variable that is None is not set for it. Threads and exit handlers are waited for; modules
        are torn down, which takes as long as their import, only if asked for.
        """
        for path in self._outputs.values():
            Path(path).write_text("")
        asked = self._outputs | {
            "script": script,
            "teardown": teardown,
            "environment": environment,
        }
        print(json.dumps(asked), file=self._server.stdin, flush=True)
        status = int(self._server.stdout.readline())
        printed = {name: Path(path).read_text() for name, path in self._outputs.items()}
        return subprocess.CompletedProcess(script, status, **printed)

    def close(self) -> None:
        self._server.communicate()  # the end of its input ends it
