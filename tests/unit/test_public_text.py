from __future__ import annotations

import socket
from pathlib import Path

import pytest

from serving.security.redaction import public_text

HOME = Path("/srv/h50%20x #1?é &b ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"There is no complete model in {HOME}/bundles/abc.", "There is no complete model in bundles/abc."),
        (f"{HOME}: cannot be read", "…: cannot be read"),
        ("/etc/encours/policy.yaml: line 3: unknown key", "policy.yaml: line 3: unknown key"),
        ("see '/var/lib/some/where/else' (/opt/a/b)", "see 'else' (b)"),
        ("then look at /v1/health", "then look at /v1/health"),
        ("p_late is 1/2 and and/or", "p_late is 1/2 and and/or"),
        ("host erp-7 is away", "host … is away"),
        ("a policy of 2026-03-02 with gates.feed_stale", "a policy of 2026-03-02 with gates.feed_stale"),
    ],
)
def test_folders_and_the_host_are_left_out_and_the_rest_stays(
    text: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "erp-7")
    assert public_text(text, [HOME]) == expected
