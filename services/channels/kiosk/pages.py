"""Pages of the channel: their words here, their look in templates/ and static/, the rest in services.channels.pages."""

from services.channels.rendering import Place

PLACE = Place(name="kiosk", title="政务服务大厅自助查询", promise="带什么、去哪个窗口、多久办好，一看就知道")
