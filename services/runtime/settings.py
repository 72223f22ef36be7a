"""The settings of this county's processes and of its command line: the common ones, and each service's own."""

from services.runtime.manifests import SERVICES
from shared import config
from shared.config import Settings

CountySettings = config.for_services(SERVICES)


def load(**overrides: object) -> Settings:
    """Read the settings from the environment; `overrides` come from the command line. Raises `SettingsError`."""
    return config.load(CountySettings, **overrides)
