"""The audit chain: every line is sealed with the hash of the line before it.

A line is sealed with a key (HMAC-SHA256), so that someone who can write to the database but does not have
the key cannot forge a chain. Removing the newest lines is found by anchors: positions and hashes noted
outside the database at every verification and every start of the service.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from features.errors import Fault
from features.json_lines import append_json_line, read_json_lines
from features.messages import Message, localized

GENESIS_HASH: Final = "0" * 64


@dataclass(frozen=True)
class AuditLine:
    """One line of the chain; `position` starts at 1 and has no gaps."""

    position: int
    written_at: dt.datetime
    kind: str
    answer_id: str
    caller: str
    body_sha256: str
    previous_hash: str
    line_hash: str

    def as_row(self) -> dict[str, Any]:
        """Return the line as column values."""
        return asdict(self)


@dataclass(frozen=True)
class Anchor:
    """A position and its hash, noted outside the database."""

    position: int
    line_hash: str


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    Attributes:
        lines: lines read.
        erased: bodies that were erased on request, covered by an erasure line.
        head: last position and its hash; null for an empty chain.
        faults: everything wrong, in order; empty when the log is whole.
    """

    lines: int
    erased: int
    head: Anchor | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Chain:
    """The seal of the chain.

    Attributes:
        key: secret of the installation, stored outside the database.
    """

    key: bytes

    def line(
        self,
        position: int,
        written_at: dt.datetime,
        kind: str,
        answer_id: str,
        caller: str,
        body_sha256: str,
        previous_hash: str,
    ) -> AuditLine:
        """Return the sealed line that follows `previous_hash`."""
        seal = self.seal(position, written_at, kind, answer_id, caller, body_sha256, previous_hash)
        return AuditLine(position, written_at, kind, answer_id, caller, body_sha256, previous_hash, seal)

    def seal(
        self,
        position: int,
        written_at: dt.datetime,
        kind: str,
        answer_id: str,
        caller: str,
        body_sha256: str,
        previous_hash: str,
    ) -> str:
        """Return the hash of a line; every field counts."""
        instant = written_at.astimezone(dt.UTC).isoformat(timespec="microseconds")
        content = json.dumps(
            [position, instant, kind, answer_id, caller, body_sha256, previous_hash],
            ensure_ascii=False,
            separators=(",", ":"),
        )
        return hmac.new(self.key, content.encode(), hashlib.sha256).hexdigest()

    def seals(self, line: AuditLine) -> bool:
        """Say whether the line is as it was written."""
        expected = self.seal(
            line.position,
            line.written_at,
            line.kind,
            line.answer_id,
            line.caller,
            line.body_sha256,
            line.previous_hash,
        )
        return hmac.compare_digest(expected, line.line_hash)


def body_hash(body: str) -> str:
    """Return the SHA-256 of an answer's canonical text."""
    return hashlib.sha256(body.encode()).hexdigest()


@dataclass(frozen=True)
class Evidence:
    """What the store contains besides one line: the answer's text, or the instant of its erasure."""

    is_present: bool
    body: str | None
    erased_at: dt.datetime | None


def verify_chain(
    chain: Chain,
    lines: Iterable[tuple[AuditLine, Evidence]],
    anchors: Sequence[Anchor] = (),
    counted: int | None = None,
    stray_answers: Sequence[str] = (),
) -> Verification:
    """Check every line against its seal, its predecessor, its answer and the anchors.

    Args:
        chain: the seal.
        lines: lines in order of position, each with what the store contains for it.
        anchors: positions and hashes noted earlier outside the database.
        counted: number of lines the store itself counts; null when unknown.
        stray_answers: ids of answers that no line covers.
    """
    faults: list[Fault] = []
    expected_at = {anchor.position: anchor.line_hash for anchor in anchors}
    previous, position, read, erased = GENESIS_HASH, 0, 0, 0
    erasures_announced: set[str] = set()
    erased_ids: dict[str, int] = {}
    for line, evidence in lines:
        read += 1
        faults += _order_faults(line, position, previous)
        if not chain.seals(line):
            faults.append(_fault(line.position, localized("the line was changed after it was written")))
        if line.position in expected_at and expected_at[line.position] != line.line_hash:
            faults.append(
                _fault(line.position, localized("the line is not the one noted earlier outside the database"))
            )
        body_fault = _body_fault(line, evidence)
        if body_fault is not None:
            faults.append(body_fault)
        elif evidence.body is None:
            erased += 1
            erased_ids[line.answer_id] = line.position
        if line.kind == "erasure" and evidence.body is not None:
            erasures_announced |= set(json.loads(evidence.body).get("erased_answers", ()))
        position, previous = line.position, line.line_hash
    faults += [
        _fault(
            at,
            localized("the answer {answer_id} is gone and no erasure accounts for it", answer_id=answer_id),
        )
        for answer_id, at in erased_ids.items()
        if answer_id not in erasures_announced
    ]
    newest_anchor = max(expected_at, default=0)
    missing_to = max(newest_anchor, counted or 0)
    if position < missing_to:
        faults.append(
            Fault(
                localized(
                    "the chain ends at position {position}: the newest lines were removed",
                    position=str(position),
                ),
                where=_positions(position + 1, missing_to),
                expected=localized("{count} lines", count=missing_to),
                count=missing_to - position,
            )
        )
    if counted is not None and position > counted:
        faults.append(
            Fault(
                localized("lines were added by something other than Encours"),
                where=_positions(counted + 1, position),
                expected=localized("{count} lines", count=counted),
                count=position - counted,
            )
        )
    if stray_answers:
        faults.append(
            Fault(
                localized("answers that no line of the chain covers"),
                where="answers",
                expected=localized("one line per answer"),
                count=len(stray_answers),
                examples=tuple(stray_answers[:5]),
            )
        )
    head = Anchor(position, previous) if read else None
    return Verification(read, erased, head, tuple(faults))


def _positions(first: int, last: int) -> Message:
    return localized("positions {first} to {last}", first=str(first), last=str(last))


def _order_faults(line: AuditLine, position: int, previous: str) -> list[Fault]:
    if line.position != position + 1:
        return [
            Fault(
                localized("lines were removed"),
                where=localized(
                    "between positions {first} and {last}", first=str(position), last=str(line.position)
                ),
                expected=localized("positions without a gap"),
                count=max(line.position - position - 1, 0),
            )
        ]
    if line.previous_hash != previous:
        return [
            _fault(
                line.position, localized("the line does not follow the one before it (changed or inserted)")
            )
        ]
    return []


def _body_fault(line: AuditLine, evidence: Evidence) -> Fault | None:
    if not evidence.is_present:
        return _fault(
            line.position, localized("the answer {answer_id} was removed", answer_id=line.answer_id)
        )
    if evidence.body is None:
        if evidence.erased_at is None:
            return _fault(
                line.position,
                localized("the text of answer {answer_id} was removed", answer_id=line.answer_id),
            )
        return None
    if body_hash(evidence.body) != line.body_sha256:
        return _fault(
            line.position, localized("the text of answer {answer_id} was changed", answer_id=line.answer_id)
        )
    return None


def _fault(position: int, what: Message) -> Fault:
    return Fault(
        what,
        where=localized("position {position}", position=str(position)),
        expected=localized("the line as it was written"),
    )


def read_anchors(path: Path) -> list[Anchor]:
    """Return the positions noted in a file; none when the file does not exist.

    Raises:
        InvalidInputError: a line cannot be read: positions noted there would not be checked.
    """
    if not path.exists():
        return []
    return [Anchor(int(entry["position"]), str(entry["line_hash"])) for entry in read_json_lines(path)]


def note_anchor(path: Path, anchor: Anchor) -> None:
    """Append a position and its hash to the file, unless it is noted already."""
    if anchor not in read_anchors(path):
        append_json_line(path, asdict(anchor))
