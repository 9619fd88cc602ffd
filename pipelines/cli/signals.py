"""`encours signals` and `encours train-signals`: e-mails to signals, labelled e-mails to the artefact."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.language import LanguageGroup, _

app = typer.Typer(cls=LanguageGroup)


@app.command("signals")
def signals_command(
    file: Annotated[Path, typer.Argument(help="JSON Lines with id, sent_at, subject, body.")],
    out: Annotated[Path, typer.Option("--out", help="JSON Lines to write, one line per mail.")],
    quotes: Annotated[bool, typer.Option("--quotes/--no-quotes", help="Keep the quoted sentences.")] = True,
    artefact: Annotated[Path | None, typer.Option(help="Folder of another trained artefact.")] = None,
) -> None:
    """Read client e-mails and write their signals: labels, probabilities, quotes, promised date and amount."""
    import json
    from collections import Counter

    from rich.console import Console
    from rich.progress import Progress

    from features.email import load_pipeline
    from features.email.records import signals_record
    from features.files import written_aside
    from models.email_reader import read_mails_file

    console = Console()
    mails = read_mails_file(file)
    pipeline = load_pipeline(artefact) if artefact else load_pipeline()
    counts: Counter[str] = Counter()
    with (
        written_aside(out) as aside,
        aside.open("w", encoding="utf-8") as target,
        Progress(console=console, transient=True) as progress,
    ):
        task = progress.add_task(_("reading mails"), total=len(mails))
        for signals in pipeline.read_many(mails):
            counts.update(signals.labels or ("no signal",))
            counts["unsure"] += bool(signals.unsure_labels)
            target.write(json.dumps(signals_record(signals, quoting=quotes), ensure_ascii=False) + "\n")
            progress.advance(task)
    console.print(_("{count} mails read from {file}", count=len(mails), file=file))
    for name, count in sorted(counts.items()):
        console.print(f"  {count:6d}  {name}")
    console.print(
        _(
            "signals written to {out}; 'labels' are decided, 'unsure_labels' are for a person to look at",
            out=out,
        )
    )


@app.command("train-signals")
def train_signals_command(
    file: Annotated[Path, typer.Argument(help="JSON Lines of labelled mails.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the trained artefact.")],
    seed: Annotated[int, typer.Option(help="Seed of folds and thinning.")] = 7,
    exclude: Annotated[Path | None, typer.Option(help="Text file with ids to leave out, one a line.")] = None,
    samples: Annotated[
        Path | None,
        typer.Option(help="Folder data_samples/emails of the repository; an installed package has none."),
    ] = None,
) -> None:
    """Train the e-mail signals from labelled mails and write the artefact (JSON and arrays, no pickle)."""
    from rich.console import Console

    from features.email import save_artefact
    from models.email_reader import (
        SAMPLES_FOLDER,
        read_calibration_mails,
        read_labelled_file,
        read_training_mails,
        read_training_sentences,
        train_signals,
    )

    console = Console()
    excluded = exclude.read_text(encoding="utf-8").split() if exclude else []
    folder = samples or SAMPLES_FOLDER
    with console.status(_("training")):
        artefact = train_signals(
            [*read_labelled_file(file), *read_training_mails(folder)],
            seed,
            excluded,
            read_training_sentences(folder),
            read_calibration_mails(folder),
        )
    save_artefact(artefact, out)
    details = artefact.description
    console.print(
        _(
            "trained on {mails} mails ({excluded} left out), those that come with Encours "
            "included, and {invented_sentences} invented sentences",
            mails=details["mails"],
            excluded=details["excluded"],
            invented_sentences=details["invented_sentences"],
        )
    )
    console.print(
        _("artefact written to {out}; use it with `encours signals FILE --out OUT --artefact {out}`", out=out)
    )
