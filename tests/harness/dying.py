"""Runs a step of a program in its own process, which is killed (-9) before one of its calls to the disk."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

CALLS = {
    "open",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.chmod",
    "shutil.rmtree",
    "sqlite3.connect",
}
"""Python's audit events before a call that may change a file or folder."""


def calls_of(action: Callable[[], object], log: Path) -> list[str]:
    """Return the calls to the disk that the action makes, in order."""
    _in_a_child(action, log=log)
    return log.read_text().splitlines()


def killed_before(call: int, action: Callable[[], object]) -> None:
    """Run the action in a child that dies by SIGKILL before its `call`th call to the disk (the first is 0)."""
    status = _in_a_child(action, call=call)
    assert os.WIFSIGNALED(status), f"it ended before its call {call}"
    assert os.WTERMSIG(status) == signal.SIGKILL


def failing(action: Callable[[], object], prepare: Callable[[], object]) -> int:
    """Return the exit code of a child that first runs `prepare`, such as setting a limit: 0, or 1 for an exception."""
    return os.waitstatus_to_exitcode(_in_a_child(lambda: (prepare(), action())))


def _in_a_child(action: Callable[[], object], call: int | None = None, log: Path | None = None) -> int:
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    code = 1
    try:
        if log is not None or call is not None:
            sys.addaudithook(_Hook(call, log))
        action()
        code = 0
    except Exception as error:  # noqa: BLE001  # the parent sees the code; the log has the reason
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        os._exit(code)


class _Hook:
    def __init__(self, call: int | None, log: Path | None) -> None:
        self._left = call
        self._handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if log else None

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in CALLS or self._is_import(arguments):
            return
        if self._handle is not None:
            os.write(self._handle, f"{event} {' '.join(str(one) for one in arguments[:2])}\n".encode())
        if self._left is not None:
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self._left -= 1

    @staticmethod
    def _is_import(arguments: tuple[object, ...]) -> bool:
        return str(arguments[0] if arguments else "").endswith((".py", ".pyc", ".mako", ".so"))
