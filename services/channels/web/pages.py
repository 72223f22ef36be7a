"""Pages of the channel: their words here, their look in templates/ and static/, the rest in services.channels.pages."""

from services.channels.rendering import Place

PLACE = Place(name="web", title="政务服务平台", promise="办事指南、在线办理和办件进度，和大厅、手机上的完全一样")
