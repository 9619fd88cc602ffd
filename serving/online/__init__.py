"""What a worker knows of every customer, level with the store: the same history as the nightly batch prepares."""

from serving.online.history import OnlineHistory, ask
from serving.online.knowledge import Knowledge
from serving.online.parts import CustomerPart

__all__ = ["CustomerPart", "Knowledge", "OnlineHistory", "ask"]
