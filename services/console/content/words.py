"""What pages call the states of an edition, its kinds, and what is planned of it."""

from collections.abc import Mapping

from services.console.content.shape import ContentKind

KINDS: Mapping[str, str] = {kind.value: kind.words for kind in ContentKind}
STATES = {"draft": "草稿", "released": "已发布", "suspended": "已暂停", "hidden": "随事项停办", "withdrawn": "已撤下"}
PLANNED = {"release": "新版生效", "withdraw": "撤下", "end": "到期失效"}
