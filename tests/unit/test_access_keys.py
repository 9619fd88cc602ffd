from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import InvalidInputError
from serving.operations.settings import read_or_make_secret
from serving.security.access import KeyRing, Scope, find_key, make_key, read_keys, rotate_key, write_keys
from serving.security.rate_limiter import RateLimit, RateLimiter

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
PEPPER = b"pepper for tests"


def test_a_key_opens_only_with_its_whole_text() -> None:
    key, text = make_key("erp", [Scope.SCORE], None, PEPPER, NOW)
    keys = {key.key_id: key}
    assert find_key(keys, text, PEPPER, NOW) == key
    for wrong in (text[:-1], text + "x", text.upper(), f"enc_{key.key_id}_", "", "enc", "enc_00000000_x"):
        assert find_key(keys, wrong, PEPPER, NOW) is None
    assert find_key(keys, text, b"another pepper", NOW) is None


def test_the_key_file_has_no_secret_and_is_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key, text = make_key("erp", [Scope.SCORE], ["C-1"], PEPPER, NOW)
    write_keys(path, [key])
    assert text.split("_", 2)[2] not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_keys(path) == {key.key_id: key}


def test_a_rotated_key_keeps_its_old_secret_for_the_overlap_only() -> None:
    key, old = make_key("erp", [Scope.SCORE], None, PEPPER, NOW)
    renewed, new = rotate_key(key, PEPPER, NOW, dt.timedelta(hours=24))
    keys = {renewed.key_id: renewed}
    later = NOW + dt.timedelta(hours=24)
    assert find_key(keys, old, PEPPER, NOW) == renewed
    assert find_key(keys, new, PEPPER, NOW) == renewed
    assert find_key(keys, old, PEPPER, later) is None
    assert find_key(keys, new, PEPPER, later) == renewed


def test_a_running_service_sees_new_and_revoked_keys_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    ring = KeyRing(path, PEPPER)
    key, text = make_key("erp", [Scope.SCORE], None, PEPPER, NOW)
    assert ring.find(text, NOW) is None
    write_keys(path, [key])
    assert ring.find(text, NOW) == key
    write_keys(path, [])
    assert ring.find(text, NOW) is None


def test_a_damaged_file_of_keys_locks_no_one_out_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key, text = make_key("erp", [Scope.SCORE], None, PEPPER, NOW)
    write_keys(path, [key])
    ring = KeyRing(path, PEPPER)
    assert ring.find(text, NOW) == key
    path.write_text("{")
    assert ring.find(text, NOW) == key
    assert ring.fault == "The file of access keys cannot be read"
    with pytest.raises(InvalidInputError, match=r"encours keys add"):
        read_keys(path)


def test_keys_that_cannot_be_read_leave_those_read_before_in_force(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key, text = make_key("erp", [Scope.SCORE], None, PEPPER, NOW)
    write_keys(path, [key])
    ring = KeyRing(path, PEPPER)
    assert ring.find(text, NOW) == key
    path.unlink()
    path.mkdir()  # reading a folder fails as a failing disk does
    assert ring.find(text, NOW) == key
    assert ring.fault == "The file of access keys cannot be read (IsADirectoryError)"
    path.rmdir()
    write_keys(path, [key])
    assert ring.find(text, NOW) == key
    assert ring.fault is None


def test_a_secret_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    whole = read_or_make_secret(path)
    for content in ("", "\n", whole.decode()[:20]):
        path.write_text(content)
        with pytest.raises(InvalidInputError, match=r"holds no whole secret.*restore it from a backup"):
            read_or_make_secret(path)


def test_admin_may_everything_and_others_only_what_they_hold() -> None:
    admin, _ = make_key("admin", [Scope.ADMIN], None, PEPPER, NOW)
    sales, _ = make_key("sales", [Scope.READ], ["C-1"], PEPPER, NOW)
    assert all(admin.allows(scope) for scope in Scope)
    assert [scope for scope in Scope if sales.allows(scope)] == [Scope.READ]
    assert sales.sees("C-1")
    assert not sales.sees("C-2")
    assert admin.sees("C-2")


def test_the_secret_is_made_once_for_all_processes(tmp_path: Path) -> None:
    first = read_or_make_secret(tmp_path / "home" / "secret")
    assert read_or_make_secret(tmp_path / "home" / "secret") == first
    assert len(first) >= 64
    assert (tmp_path / "home" / "secret").stat().st_mode & 0o777 == 0o600


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60), st.integers(1, 10), st.floats(0.1, 50))
def test_no_caller_gets_more_than_the_burst_and_the_rate(gaps: list[float], burst: int, rate: float) -> None:
    limiter = RateLimiter(RateLimit(rate, burst))
    now, passed = 0.0, 0
    for gap in gaps:
        now += gap
        passed += limiter.seconds_to_wait("erp", now) == 0
    assert passed <= burst + rate * now + 1e-6


@given(st.integers(1, 20), st.floats(0.1, 50))
def test_a_refused_caller_passes_after_the_wait_it_was_told(burst: int, rate: float) -> None:
    limiter = RateLimiter(RateLimit(rate, burst))
    waits = [limiter.seconds_to_wait("erp", 0.0) for _ in range(burst + 1)]
    assert waits[:burst] == [0] * burst
    assert waits[burst] > 0
    assert limiter.seconds_to_wait("other", 0.0) == 0
    assert limiter.seconds_to_wait("erp", float(waits[burst]) + 1e-6) == 0
