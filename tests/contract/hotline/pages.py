"""The wording of hotline's pages."""

from services.channels.pages.rendering import ChannelPages

PAGES = ChannelPages(name="hotline", title="便民热线", promise="接线员照着念，和大厅、网站一个说法")
