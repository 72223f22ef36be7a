"""Subscribe to what a county publishes: resume, dedupe, fill gaps, and prove every event."""

from tongyuan_client.errors import Halted, Refused
from tongyuan_client.feeds import Feed, HttpFeed, Page
from tongyuan_client.reader import Ask, Event, Reaction, Reader
from tongyuan_client.state import State
from tongyuan_client.subscriber import Subscriber

__all__ = ["Ask", "Event", "Feed", "Halted", "HttpFeed", "Page", "Reaction", "Reader", "Refused", "State", "Subscriber"]
