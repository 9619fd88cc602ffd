"""Proof that the route table has exactly one row for every invoice, and no row that none can reach."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

from features.errors import Fault
from features.messages import localized
from features.words import GRADES, SEGMENTS
from features.yaml_source import YamlFile
from serving.dunning.policy.checked import Cell
from serving.dunning.policy.schema import PolicySpec, Route
from serving.dunning.words import NO_GRADE, NO_SEGMENT, STATES

EXAMPLES_SHOWN = 3


def cells(spec: PolicySpec) -> list[Cell]:
    """Every square of the table: segments x grades x money bands x states, the unknown ones included."""
    bands = [band.id for band in spec.money_bands]
    return list(product((*SEGMENTS, NO_SEGMENT), (*GRADES, NO_GRADE), bands, STATES))


def cells_of(route: Route, spec: PolicySpec) -> set[Cell]:
    """The squares one row is for."""
    return {
        cell
        for cell in cells(spec)
        if all(
            axis == "any" or value in axis
            for axis, value in zip(
                (route.segments, route.grades, route.money, route.states), cell, strict=True
            )
        )
    }


def route_table(spec: PolicySpec, source: YamlFile) -> tuple[dict[Cell, Route], list[Fault]]:
    """The row of every square, and every overlap, hole and unreachable row with its line."""
    rows_of: dict[Cell, list[int]] = {cell: [] for cell in cells(spec)}
    reach = [cells_of(route, spec) for route in spec.routes]
    for index, squares in enumerate(reach):
        for cell in squares:
            rows_of[cell].append(index)
    faults = _unreachable(spec, source, reach) + _overlaps(spec, source, rows_of)
    holes = [cell for cell, rows in rows_of.items() if not rows]
    if holes:
        faults.append(
            Fault(
                localized(
                    "{missing} of {all_cases} cases have no route",
                    missing=len(holes),
                    all_cases=len(rows_of),
                ),
                source.where(("routes",)),
                expected=localized("exactly one row for every segment, grade, money band and state"),
                remedy=localized("add a row or widen one"),
                examples=tuple(_shown(cell) for cell in holes[:EXAMPLES_SHOWN]),
            )
        )
    return {cell: spec.routes[rows[0]] for cell, rows in rows_of.items() if rows}, faults


def _unreachable(spec: PolicySpec, source: YamlFile, reach: list[set[Cell]]) -> list[Fault]:
    faults = []
    taken: dict[Cell, int] = {}
    for index, squares in enumerate(reach):
        if squares and all(cell in taken for cell in squares):
            earlier = sorted({taken[cell] for cell in squares})
            faults.append(
                Fault(
                    localized("route {route} can never be reached", route=spec.routes[index].id),
                    source.where(("routes", index)),
                    expected=localized("cases that no earlier row takes"),
                    remedy=localized("delete it or narrow the earlier rows"),
                    examples=tuple(
                        localized(
                            "{route} on line {line}",
                            route=spec.routes[other].id,
                            line=str(source.line(("routes", other))),
                        )
                        for other in earlier
                    ),
                )
            )
        elif not squares:
            faults.append(
                Fault(
                    localized(
                        "route {route} can never be reached: an axis is empty", route=spec.routes[index].id
                    ),
                    source.where(("routes", index)),
                    expected=localized("at least one segment, grade, money band and state"),
                    remedy=localized("fill the empty list, or write any"),
                )
            )
        for cell in squares:
            taken.setdefault(cell, index)
    return faults


def _overlaps(spec: PolicySpec, source: YamlFile, rows_of: dict[Cell, list[int]]) -> list[Fault]:
    pairs: dict[tuple[int, int], list[Cell]] = defaultdict(list)
    for cell, rows in rows_of.items():
        for later in rows[1:]:
            pairs[rows[0], later].append(cell)
    return [
        Fault(
            localized(
                "routes {first} (line {line}) and {second} both take {shared} cases",
                first=spec.routes[first].id,
                line=str(source.line(("routes", first))),
                second=spec.routes[later].id,
                shared=len(shared),
            ),
            source.where(("routes", later)),
            expected=localized("one row for each case"),
            remedy=localized("narrow one of the two"),
            examples=tuple(_shown(cell) for cell in shared[:EXAMPLES_SHOWN]),
        )
        for (first, later), shared in sorted(pairs.items())
    ]


def _shown(cell: Cell) -> str:
    return " / ".join(cell)
