"""The wording of mobile's pages; templates/ and static/ hold the design, `services.channels.pages` the rest."""

from services.channels.pages.rendering import ChannelPages

PAGES = ChannelPages(name="mobile", title="掌上办事", promise="一看就懂的办事指南，随时查办件进度")
