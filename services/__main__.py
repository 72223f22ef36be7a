"""`tongyuan`: the entry point. `run` goes straight to its process; everything else goes through the command line."""

import sys


def main() -> None:
    """Start a process of the county, or a command."""
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "run" and not arguments[1].startswith("-"):
        if arguments[1].endswith("-worker"):
            from shared import green  # noqa: PLC0415  # eventlet must patch the process before anything else is imported

            green.patch()
        from services import process  # noqa: PLC0415  # after the patch, and without the weight of the command line

        sys.exit(process.run(arguments[1]))
    from services.cli.app import app  # noqa: PLC0415  # likewise

    app()


if __name__ == "__main__":
    main()
