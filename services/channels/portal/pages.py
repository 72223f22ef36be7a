"""Pages of the channel: their words here, their look in templates/ and static/, the rest in services.channels.pages."""

from services.channels.rendering import Place

PLACE = Place(name="portal", title="政务服务事项公开", promise="依法公开的政务服务事项和办事指南")
