"""A run that an asset refused ends in the words of the refusal, whatever class of ours it was."""

from __future__ import annotations

import dagster as dg
import pytest

from features.email.artefact import ArtefactError
from features.errors import EncoursError, Fault, InvalidInputError
from features.messages import localized
from pipelines.jobs import remember_refusal
from pipelines.running import _refusal
from serving.store import StoreUnavailableError


def refusal_of(failure: Exception, language: str = "en") -> str:
    @dg.asset(name="core__thing")
    def thing() -> None:
        raise failure

    job = dg.Definitions(
        assets=[thing], jobs=[dg.define_asset_job("it", selection=[thing], hooks={remember_refusal})]
    ).resolve_job_def("it")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
    return _refusal(result).in_language(language)


@pytest.mark.parametrize("kind", [EncoursError, StoreUnavailableError, ArtefactError])
def test_every_error_of_ours_is_reported_in_its_own_words(kind: type[EncoursError]):
    assert (
        refusal_of(kind("the store at home: it does not answer")) == "the store at home: it does not answer"
    )


def test_all_faults_of_an_input_are_in_the_words_of_the_run():
    refused = InvalidInputError("the ledger cannot be used", [Fault("no rows", where="invoices")])
    assert refusal_of(refused) == str(refused)


def test_the_refusal_of_a_step_keeps_its_french():
    fault = Fault(localized("folder does not exist"), where="ledger")
    refused = InvalidInputError(localized("there is no ledger here"), [fault])
    assert refusal_of(refused) == "there is no ledger here\n  - ledger: folder does not exist"
    assert refusal_of(refused, "fr") == (
        "il n'y a pas de grand livre ici\n  - ledger\u202f: le dossier n'existe pas"
    )


def test_any_other_error_names_the_step_that_failed():
    assert (
        refusal_of(ZeroDivisionError("by nothing"))
        == "step core__thing failed: ZeroDivisionError: by nothing"
    )
