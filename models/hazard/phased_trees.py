"""One set of trees for each phase of an invoice's life: up to its due date, the month after it, later.

Whether an invoice is paid by its due date and how fast it is paid once late are different questions, asked of the same
features. Trees shared by both spend their few leaves on the phase with more rows and blur the other
(docs/decisions.md says what separating them gained).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models.hazard.booster import TreeModel
from models.hazard.phases import trees_of
from models.intervals import Floats


class PhasedTrees:
    """The trees of a hazard, read by phase.

    Args:
        models: the trees of each phase, as `models.hazard.phases.TREE_NAMES` lists them; None where a phase had too
            little to learn from, and adds nothing.
        end_column: column of the inputs that holds the interval's end, in days past due.
        column_count: columns of the inputs.
    """

    def __init__(self, models: Sequence[TreeModel | None], end_column: int, column_count: int) -> None:
        self.models = tuple(models)
        self.end_column = end_column
        self.column_count = column_count

    @property
    def texts(self) -> tuple[str | None, ...]:
        """LightGBM's text of each phase."""
        return tuple(None if model is None else model.text for model in self.models)

    def margins(self, inputs: Floats) -> Floats:
        """What the trees add to the log-odds of settlement in each row's interval."""
        return self._by_phase(inputs, 1, lambda model, rows: model.margins(rows)[:, None])[:, 0]

    def contributions(self, inputs: Floats) -> Floats:
        """TreeSHAP contributions of every row, one column per input; the last column is the base of its phase."""
        return self._by_phase(inputs, self.column_count + 1, lambda model, rows: model.contributions(rows))

    def _by_phase(self, inputs: Floats, width: int, read: Callable[[TreeModel, Floats], Floats]) -> Floats:
        found = np.zeros((inputs.shape[0], width))
        phases = trees_of(inputs[:, self.end_column])
        for phase, model in enumerate(self.models):
            rows = np.flatnonzero(phases == phase)
            if model is not None and rows.size:
                found[rows] = read(model, inputs[rows])
        return found


def without_threads(text: str) -> str:
    """LightGBM's text without its thread count, the only line that differs between machines."""
    return "\n".join(line for line in text.split("\n") if not line.startswith("[num_threads:"))
