"""Quality and speed of the e-mail signals, as JSON: `python -m benchmarks.email_signals [LABELLED.jsonl]`."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from data_samples.generator.mail_bank import LABELLED_EMAILS
from features.email import LABELS, LabelledMail, Mail, MailSignals, load_pipeline
from models.email_reader import (
    cross_validate,
    read_calibration_mails,
    read_labelled_file,
    read_test_mails,
    read_training_mails,
    read_training_sentences,
)
from models.email_reader.evaluation import promise_totals, scores

QUALITY_FILE = Path(__file__).with_name("email_quality.json")
"""Recorded figures; tests/integration/test_signal_quality.py holds them to the gates."""
_START = (
    "import time; t = time.perf_counter()\n"
    "import datetime; from features.email import Mail, load_pipeline\n"
    "load_pipeline().read(Mail('m', datetime.date(2025, 1, 6), 'Re: relance', 'Le virement part lundi.'))\n"
    "print(time.perf_counter() - t)"
)


def held_out_totals(labelled: list[LabelledMail]) -> dict[str, Any]:
    """The shipped reader's totals on mails it never learnt from: figures only, never a mail, an id or a sentence."""
    signals = list(load_pipeline().read_many([mail.mail for mail in labelled]))
    truth = np.array([[label in mail.labels for label in LABELS] for mail in labelled])
    decided = np.array([[label in found.labels for label in LABELS] for found in signals])
    by_language = {
        language: scores(decided[rows], truth[rows], per_label=False)["micro"]["f1"]
        for language in ("fr", "en", "mixed")
        if (rows := np.array([mail.language == language for mail in labelled])).any()
    }
    promised = [
        (mail, found)
        for mail, found in zip(labelled, signals, strict=True)
        if "promise_to_pay" in mail.labels and "promise_to_pay" in found.labels
    ]
    days = [mail.promise_date == found.promise_said_on for mail, found in promised if mail.promise_date]
    sums = [mail.promise_amount == found.promise_amount for mail, found in promised if mail.promise_amount]
    machine = [(mail.auto_reply, found.auto_reply) for mail, found in zip(labelled, signals, strict=True)]
    return {
        "mails": len(labelled),
        "without_signal": int((~truth.any(axis=1)).sum()),
        **scores(decided, truth),
        "micro_f1_by_language": by_language,
        "promised_days_exact": [sum(days), len(days)],
        "promised_sums_exact": [sum(sums), len(sums)],
        "auto_replies_found": [sum(a and b for a, b in machine), sum(a for a, _ in machine)],
        "auto_replies_wrongly_found": sum(b and not a for a, b in machine),
    }


def micro_f1_of(labelled: Sequence[LabelledMail], signals: Sequence[MailSignals]) -> float:
    """Micro-F1 of decided labels against the given ones."""
    truth = np.array([[label in mail.labels for label in LABELS] for mail in labelled])
    decided = np.array([[label in found.labels for label in LABELS] for found in signals])
    return float(scores(decided, truth, per_label=False)["micro"]["f1"])


def promise_dates(labelled: list[LabelledMail]) -> dict[str, Any]:
    """Promised days and sums read exactly, by set of mails and language; the calibration writers in totals only."""
    unread = [mail for mails in read_calibration_mails().values() for mail in mails]
    sets = {"labelled": labelled, "training_writers": read_training_mails(), "calibration_writers": unread}
    return {name: promise_totals(mails) for name, mails in sets.items()}


def measure_speed(mails: list[Mail], repeats: int = 3) -> dict[str, Any]:
    """Mails a second in one process and in two, milliseconds for one mail, seconds from import to first answer."""
    pipeline = load_pipeline()
    list(pipeline.read_many(mails))
    one = min(_timed(lambda: list(pipeline.read_many(mails))) for _ in range(repeats))
    single = [_timed(lambda mail=mail: pipeline.read(mail)) * 1000 for mail in mails[:300]]
    with get_context("spawn").Pool(2) as pool:
        halves = [mails[0::2] * 2, mails[1::2] * 2]
        pool.map(_read_all, halves)
        two = min(_timed(lambda: pool.map(_read_all, halves)) for _ in range(repeats))
    start = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True)
    return {
        "mails": len(mails),
        "mails_per_second_one_process": round(len(mails) / one),
        "mails_per_second_two_processes": round(2 * len(mails) / two),
        "one_mail_ms_median": round(statistics.median(single), 2),
        "one_mail_ms_p99": round(sorted(single)[int(len(single) * 0.99) - 1], 2),
        "import_to_first_answer_seconds": round(float(start.stdout), 2),
    }


def _read_all(mails: list[Mail]) -> int:
    return sum(1 for _ in load_pipeline().read_many(mails))


def _timed(action: Any) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def main() -> None:
    """Measures and prints; with --record the quality is kept beside the code for the test of the gates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labelled", type=Path, nargs="?", default=LABELLED_EMAILS)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--speed-only", action="store_true")
    parser.add_argument("--quality-only", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument(
        "--promises-only", action="store_true", help="only how exactly promised days and sums are read"
    )
    parser.add_argument(
        "--held-out", action="store_true", help="only the shipped reader's totals on the held-out mails"
    )
    options = parser.parse_args()
    if options.held_out:
        print(json.dumps(held_out_totals(list(read_test_mails())), indent=1))
        return
    labelled = read_labelled_file(options.labelled)
    if options.promises_only:
        print(json.dumps(promise_dates(labelled), indent=1))
        return
    report: dict[str, Any] = {}
    if not options.speed_only:
        report["quality"] = cross_validate(
            labelled,
            options.seed,
            read_training_sentences(),
            further=read_training_mails(),
            writers=read_calibration_mails(),
        )
    if not options.quality_only:
        report["speed"] = measure_speed([m.mail for m in labelled])
    if options.record and "quality" in report:
        QUALITY_FILE.write_text(
            json.dumps(report["quality"], indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    print(json.dumps(report, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
