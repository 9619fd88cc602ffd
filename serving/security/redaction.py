"""What a caller may read of a message that was written for whoever runs the machine."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_SHORTEST_HOST: Final = 3
#: An absolute path of two names or more; the routes of the service are not meant.
_ABSOLUTE: Final = re.compile(r"(?<![\w.%-])(?!/v\d/)(?:/[^\s/:;,'\"()]+){2,}/?")


def public_text(text: str, folders: Iterable[Path]) -> str:
    """Return a message without the folders and the name of this machine; a file keeps its own name.

    Args:
        text: the message.
        folders: folders of this installation, whose names may contain blanks and so cannot be recognised otherwise.
    """
    roots = {str(folder) for folder in folders} | {str(folder.resolve()) for folder in folders}
    for root in sorted(roots - {"", ".", "/"}, key=len, reverse=True):
        text = text.replace(f"{root}/", "").replace(root, "…")
    text = _ABSOLUTE.sub(lambda found: found[0].rstrip("/").rsplit("/", 1)[-1], text)
    host = socket.gethostname()
    return re.sub(rf"\b{re.escape(host)}\b", "…", text) if len(host) >= _SHORTEST_HOST else text
