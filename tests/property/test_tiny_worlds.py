"""However small or short a world is, it is a lawful ledger or a clear refusal."""

from datetime import date

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from data_samples.generator import WorldSettings, simulate_world, write_world
from features.errors import InvalidInputError
from features.ledger import check_tables, last_known_on, read_ledger


def world_or_refusal(wanted):
    try:
        return simulate_world(wanted), ""
    except InvalidInputError as refusal:
        return None, str(refusal)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    customers=st.integers(1, 4),
    months=st.integers(1, 5),
    seed=st.integers(0, 10_000),
    end=st.dates(date(2019, 1, 1), date(2027, 12, 31)),
)
def test_a_tiny_world_is_a_lawful_ledger_or_a_clear_refusal(customers, months, seed, end):
    wanted = WorldSettings(customers, months, seed, end=end, regime_change_month=1 + seed % months)
    world, refusal = world_or_refusal(wanted)
    event("refused" if world is None else "simulated")
    if world is None:
        assert "ask for more customers or more months" in refusal
        return
    assert dict(check_tables(dict(world.ledger.tables())).quarantine) == {}
    assert last_known_on(world.ledger) <= end
    assert world.truth["probabilities"].height == world.truth["outcomes"].height


def test_a_world_without_any_invoice_is_refused():
    with pytest.raises(InvalidInputError, match="no customer has been sent an invoice yet"):
        simulate_world(WorldSettings(1, 1, seed=0, end=date(2026, 6, 1)))


def test_a_world_of_one_customer_can_be_written_and_read_again(tmp_path):
    world = simulate_world(WorldSettings(1, 12, 3))
    write_world(world, tmp_path, "the command")
    assert read_ledger(tmp_path).customers.height == 1
