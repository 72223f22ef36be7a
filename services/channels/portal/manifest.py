"""The manifest of portal, without extensions."""

from services.channels.manifest import channel_manifest

MANIFEST = channel_manifest("portal", 8094)
