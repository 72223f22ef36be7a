"""catalog as a nameko worker: withdraws items whose planned end has come."""

from nameko.timer import timer

from services.catalog.commands import ENDS_SECONDS, Catalog
from shared.timers import quietly


def make_worker(catalog: Catalog) -> type:
    """Return the nameko service class."""

    class CatalogWorker:
        name = "catalog"

        @timer(interval=ENDS_SECONDS, eager=True)  # type: ignore[untyped-decorator]  # nameko has no types
        def withdraw_cancelled(self) -> None:
            quietly(catalog.withdraw_cancelled, "planned-ends")

    return CatalogWorker
