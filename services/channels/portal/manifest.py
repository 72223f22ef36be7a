"""The manifest of portal, without extensions."""

from services.channels.common_manifest import channel_manifest

MANIFEST = channel_manifest("portal", 8094, ("政府网站", "government portal"))
