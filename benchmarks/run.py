"""`bazel run -c opt //benchmarks`: the entry; everything is in benchmarks/harness."""

import os
import signal
import sys
from collections.abc import Callable

_REFUSED = 2
_INTERRUPTED = 130


def _leave(*_: object) -> None:
    os.write(2, b"benchmarks: interrupted\n")
    os._exit(_INTERRUPTED)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _on_ending(handler: Callable[..., None]) -> None:
    """SIGTERM and SIGHUP end a run as Ctrl-C does, but for those that are ignored, as with nohup."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _main() -> int:
    # While Python loads, an exception can come where it would only be printed; and there is nothing
    # yet to be cleaned up.
    _on_ending(_leave)
    # Under Bazel the root is on the path already; in a plain checkout it is not.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    try:
        from benchmarks.harness import main  # pylint: disable=import-outside-toplevel
    except ModuleNotFoundError as error:
        if error.name != "rich":
            raise
        print(
            f"benchmarks: {sys.executable} has no rich: `tools/setup benchmarks` installs Debian's for /usr/bin/python3",
            file=sys.stderr,
        )
        return _REFUSED

    try:
        _on_ending(_interrupt)
        return main.main(sys.argv[1:])
    except KeyboardInterrupt:
        print("benchmarks: interrupted", file=sys.stderr)
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(_main())
