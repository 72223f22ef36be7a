"""Pages of the channel: their words here, their look in templates/ and static/, the rest in services.channels.pages."""

from services.channels.rendering import Place

PLACE = Place(name="mobile", title="掌上办事", promise="一看就懂的办事指南，随时查办件进度")
