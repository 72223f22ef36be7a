"""Entry point of `tongyuan`. `run` starts its process directly; everything else goes through the command line."""

import gc
import os
import sys


def main() -> None:
    """Start a process of the county, or run a command."""
    os.umask(0o077)  # files of a county are for its own account; an export makes its files readable explicitly
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "run" and not arguments[1].startswith("-"):
        # What is imported stays, and looking through it again and again is a sixth of the start; the process enables
        # the collector when everything is loaded (`shared.process_memory.freeze_what_is_loaded`).
        gc.disable()
        if arguments[1].endswith("-worker"):
            from shared.messaging import eventlet_patch  # noqa: PLC0415  # eventlet must patch the process before anything else is imported

            eventlet_patch.patch()
        from services.runtime import process  # noqa: PLC0415  # after the patch, and without the weight of the command line

        sys.exit(process.run(arguments[1]))
    from services.cli.app import app  # noqa: PLC0415  # likewise

    app()


if __name__ == "__main__":
    main()
