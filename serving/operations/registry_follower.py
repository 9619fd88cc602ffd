"""Follows the champion of the MLflow registry, in a process of its own so that the service never waits for it.

`encours serve` starts it beside the service when MLflow is installed. It polls the alias `champion`;
when it names another version, the version's bundle is laid into the home and the pointer is moved, and the
workers take it over. Whether the registry answered is noted for `/v1/health`.
"""

from __future__ import annotations

import datetime as dt
import logging
import signal
import sys
import threading
from collections.abc import Callable
from typing import Final

from features.errors import InvalidInputError
from models.registry.home import Home, read_home
from serving.operations.model_watch import RegistryState, write_registry_state
from serving.operations.settings import read_settings
from serving.operations.supervisor import place_of

_LOG: Final = logging.getLogger("encours.registry")
LOOK_SECONDS: Final = 10.0
CHAMPION: Final = "champion"


def follow_once(home: Home) -> str | None:
    """Poll the registry once; move the pointer when the champion is another; return the name of its bundle.

    An embedded registry that was never written to has no champion and is not created.

    Raises:
        EncoursError: the registry cannot be reached, or its champion cannot be fetched.
    """
    from models.registry.champion import read_champion_pointer, write_champion_pointer
    from models.registry.promotion import export
    from models.registry.tracking import find_version

    embedded = home.embedded_registry
    if embedded is not None and not embedded.exists():
        return None
    champion = find_version(home, CHAMPION)
    if champion is None:
        return None
    try:
        served: str | None = read_champion_pointer(home.champion_pointer).name
    except (OSError, InvalidInputError):
        served = None
    if served != champion.bundle_version:
        write_champion_pointer(home.champion_pointer, export(home, champion))
        _LOG.info("the registry's champion is now %s", champion.bundle_version)
    return champion.bundle_version


def follow(home: Home, stop: threading.Event, note: Callable[[bool], None], seconds: float) -> None:
    """Poll the registry until stopped; a registry or a disk that does not answer leaves everything as it is.

    Args:
        home: where the registry is.
        stop: ends the following.
        note: records whether the registry answered; what it raises is logged, once until it works again.
        seconds: pause between two polls.
    """
    last_failure: str | None = None
    while not stop.is_set():
        failed: Exception | None = None
        try:
            follow_once(home)
        except Exception as failure:  # MLflow raises many kinds; none may end the following
            failed = failure
        try:
            note(failed is None)
        except OSError as failure:  # a full disk: the service sees that nothing was noted for long
            failed = failed or failure
        if failed is not None and place_of(failed) != last_failure:
            _LOG.warning("the model registry cannot be followed: %s", place_of(failed))
        last_failure = None if failed is None else place_of(failed)
        stop.wait(seconds)


def main() -> int:
    """Follow the registry of this home until stopped."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s [%(levelname)s] %(name)s %(message)s")
    _LOG.setLevel(logging.INFO)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    state = read_settings().registry_state_path

    def note(is_reachable: bool) -> None:
        write_registry_state(state, RegistryState(dt.datetime.now(dt.UTC), is_reachable))

    follow(read_home(), stop, note, LOOK_SECONDS)
    state.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
