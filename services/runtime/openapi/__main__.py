"""`python -m services.runtime.openapi`, see `services.runtime.openapi.generation`."""

import sys

from services.runtime.openapi.generation import main

if __name__ == "__main__":
    sys.exit(main())
