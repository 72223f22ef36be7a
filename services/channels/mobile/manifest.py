"""The manifest of mobile: the app's backend reads public documents, looks up cases, and subscribes to their news.

It calls nobody outside the county: subscriptions does.
"""

from contracts.topology import SUBSCRIPTIONS
from services.channels.common_manifest import channel_manifest
from shared.manifest.model import Dependency
from shared.tokens.rights import Right

CASE_HOOKS = Dependency(SUBSCRIPTIONS, frozenset({Right.CASE_HOOKS}))
"""To have apps called about single cases."""

MANIFEST = channel_manifest("mobile", 8092, ("移动端", "mobile"), calls=(CASE_HOOKS,))
