"""The manifest of hotline, without extensions."""

from services.channels.common_manifest import channel_manifest

MANIFEST = channel_manifest("hotline", 8096, ("便民热线", "hotline"))
