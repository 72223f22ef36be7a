"""The manifest of mobile, without extensions: the app's backend reads public documents and looks up cases."""

from dataclasses import replace

from services.channels.common_manifest import channel_manifest

MADE = channel_manifest(
    "mobile", 8092, ("移动端", "mobile"), settings=("hook_hosts", "hook_private"), of_worker=("hook_hosts",)
)
HTTP, WORKER = MADE.processes

MANIFEST = replace(MADE, processes=(replace(HTTP, outside="hooks"), WORKER))
