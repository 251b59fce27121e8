"""`kept` and `python -m etl`: Ctrl-C is answered however early or late it comes."""

import os
import signal
import sys


def main() -> None:
    """Runs `kept`."""
    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    pressed: list[int] = []
    if listens:
        signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    from etl import cli

    try:
        if listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        cli.main(interrupted=bool(pressed))
    except SystemExit as ended:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all that is left is to end
        if ended.code == cli.INTERRUPTED:
            # Python dies of the signal where it met generated code, whatever status was asked for.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(cli.INTERRUPTED)
        raise


if __name__ == "__main__":
    main()
