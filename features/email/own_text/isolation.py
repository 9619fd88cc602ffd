"""Isolates the sender's own new text: what the client wrote, not what it quotes, signs or disclaims."""

from __future__ import annotations

import re
from dataclasses import dataclass

from features.email.own_text.patterns import (
    DISCLAIMER_STARTS,
    FORWARD_WORDS,
    HEADER_OTHER,
    HEADER_SENDER,
    PASSED_ON_SENDER,
    REPLY_INTRODUCTIONS,
    SEPARATOR_LINES,
    SIGN_OFFS,
)
from features.email.own_text.repair import repair_text

_SEPARATOR = re.compile(r"^\s*>*\s*(?:" + "|".join(SEPARATOR_LINES) + r")\s*$", re.I)
_REPLY_ABOVE = re.compile(
    r"^\W*(?:please type your reply above|reply above|r[ée]pondre au-dessus|saisissez votre r[ée]ponse)", re.I
)
"""A help desk's line; a sender who answers below it has taken no notice of it."""
_RULE_LINE = re.compile(r"^\s*[-_=*]{5,}\s*$")
_HEADER_SENDER = re.compile(r"^\s*" + HEADER_SENDER, re.I)
_HEADER_OTHER = re.compile(r"^\s*" + HEADER_OTHER, re.I)
_INTRODUCTION = re.compile(r"^[ \t]*(?:" + "|".join(REPLY_INTRODUCTIONS) + r")$", re.I | re.M)
_INTRODUCTION_HINT = re.compile(r"wrote|[ée]crit|schrieb|scritto|escribi|schreef", re.I)
_QUOTED_LINE = re.compile(r"^\s*(?:>|\|\s|&gt;)")
_SIGN_OFF = re.compile(
    r"^\s*[*_]?(?:" + "|".join(SIGN_OFFS) + r")[ ,.!*_;:)(-]*(?:[A-ZÀ-Ý][\w.'’-]*[ ,]*){0,4}\s*[.!]*$", re.I
)
_SIGNATURE_DELIMITER = re.compile(r"^\s*--\s*$")
_POSTSCRIPT = re.compile(r"^\s*(?:ps|p\.s\.|post-?scriptum|nb|n\.b\.)\s*[:.\-–]?\s", re.I)
_DISCLAIMER = re.compile(r"^\s*[*_(\[]?(?:" + "|".join(DISCLAIMER_STARTS) + ")", re.I | re.S)
_PASSED_ON = re.compile(PASSED_ON_SENDER, re.I)
_REPLY_SUBJECT = re.compile(
    r"^\s*(?:(?:re|ré|rép|rep|tr|fw|fwd|aw|wg|sv|antw|r|i)\s?(?:\[\d+\])?\s?:\s*)+", re.I
)
_FORWARD_SUBJECT = re.compile(r"^\s*(?:(?:re|ré)\s?:\s*)*(?:tr|fw|fwd|wg)\s?:", re.I)
_LONGEST_ABBREVIATION = 5
_SENTENCE_END = re.compile(r"[.!?…:)]\s*$")


@dataclass(frozen=True, slots=True)
class OwnText:
    """The sender's own words.

    Attributes:
        text: the words, repaired, without quoted thread, signature and disclaimer; line breaks unchanged.
        subject: subject line without reply marks when the sender wrote it, empty when it only repeats a thread.
        full_subject: repaired subject line, reply marks included (they identify a machine's mail).
        has_quoted_thread: true when other people's text was taken out.
    """

    text: str
    subject: str
    full_subject: str
    has_quoted_thread: bool


def isolate_own_text(subject: str, body: str) -> OwnText:
    """What the sender itself newly wrote in this mail.

    Quoted and forwarded text goes, however marked; answers typed between quoted lines stay. A document that the
    sender passes on to make its point (its bank's confirmation, its board's minutes) stays as well.
    """
    full_subject = repair_text(subject).replace("\n", " ").strip()
    is_reply = bool(_REPLY_SUBJECT.match(full_subject))
    repaired = repair_text(body[:LONGEST_BODY])
    kept, removed = _without_thread(repaired, is_forward=bool(_FORWARD_SUBJECT.match(full_subject)))
    lines = _without_signature(_without_disclaimer(kept))
    text = "\n".join(lines).strip()
    return OwnText(text, "" if is_reply else full_subject, full_subject, removed)


def _without_thread(body: str, *, is_forward: bool) -> tuple[list[str], bool]:
    if _INTRODUCTION_HINT.search(body):
        body = _INTRODUCTION.sub(lambda found: _mark_introduction(found.group()), body)
    lines = body.split("\n")
    kept: list[str] = []
    removed = False
    index = 0
    while index < len(lines):
        line = lines[index]
        if line == _MARK:
            removed = True
            following = _next_filled(lines, index + 1)
            if following is None or not _QUOTED_LINE.match(lines[following]):
                return kept, True
        elif _QUOTED_LINE.match(line) or (_REPLY_ABOVE.match(line) and not "".join(kept).strip()):
            removed = True
        elif _SEPARATOR.match(line):
            document = (
                _passed_on_document(lines, index + 1, kept) if is_forward or _is_forward_mark(line) else []
            )
            return kept + document, True
        elif _starts_header_block(lines, index):
            if kept and _RULE_LINE.match(kept[-1]):
                kept.pop()
            document = _passed_on_document(lines, index, kept) if is_forward else []
            return kept + document, True
        else:
            kept.append(line)
        index += 1
    return kept, removed


LONGEST_BODY = 40_000
"""Characters of a body that are read: a person's own words come well before."""
_MARK = "\x1equoted thread\x1e"


def _mark_introduction(found: str) -> str:
    return found if len(found) > 320 else _MARK


def _next_filled(lines: list[str], start: int) -> int | None:
    return next((index for index in range(start, len(lines)) if lines[index].strip()), None)


def _is_forward_mark(line: str) -> bool:
    return any(word in line.lower() for word in FORWARD_WORDS)


def _starts_header_block(lines: list[str], index: int) -> bool:
    if not _HEADER_SENDER.match(lines[index]):
        return False
    following = [line for line in lines[index + 1 : index + 6] if line.strip()][:3]
    return any(_HEADER_OTHER.match(line) for line in following)


def _passed_on_document(lines: list[str], start: int, own: list[str]) -> list[str]:
    """Lines of a forwarded document that counts as the sender's statement, none when it is a mere thread."""
    if len(" ".join(own).split()) > 30:
        return []
    header: list[str] = []
    index = start
    while index < len(lines) and (
        not lines[index].strip() or _HEADER_SENDER.match(lines[index]) or _HEADER_OTHER.match(lines[index])
    ):
        header.append(lines[index])
        index += 1
    senders = [line for line in header if _HEADER_SENDER.match(line)]
    if not senders or not _PASSED_ON.search(senders[0]):
        return []
    return ["", *lines[index:]]


def _without_disclaimer(lines: list[str]) -> list[str]:
    for index, line in enumerate(lines):
        if (
            line.strip()
            and _DISCLAIMER.match(" ".join(lines[index : index + 3]))
            and _DISCLAIMER.match(line if len(line) > 60 else " ".join(lines[index : index + 3]))
        ):
            return lines[:index]
    return lines


def _without_signature(lines: list[str]) -> list[str]:
    last = next((index for index in range(len(lines), 0, -1) if lines[index - 1].strip()), 0)
    lines = lines[:last]
    for index, line in enumerate(lines):
        if index and _SIGNATURE_DELIMITER.match(line):
            return lines[:index] + _postscript(lines[index:])
    filled = sum(bool(line.strip()) for line in lines)
    for index, line in enumerate(lines):
        after = [later for later in lines[index + 1 :] if later.strip()]
        if (
            index
            and filled > 1
            and len(after) <= 6
            and _SIGN_OFF.match(line)
            and all(len(x) < 90 for x in after)
        ):
            return lines[:index] + _postscript(lines[index + 1 :])
    return _without_bare_signature(lines)


def _postscript(lines: list[str]) -> list[str]:
    for index, line in enumerate(lines):
        if _POSTSCRIPT.match(line):
            return lines[index:]
    return []


def _without_bare_signature(lines: list[str]) -> list[str]:
    """Drops closing lines that only name a person, a post or a firm, when a finished sentence precedes them."""
    end = len(lines)
    for _ in range(4):
        previous = end - 1
        if previous <= 0 or not _is_name_line(lines[previous]):
            break
        end = previous
        while end and not lines[end - 1].strip():
            end -= 1
    if end == len(lines) or end == 0 or not _SENTENCE_END.search(lines[end - 1]):
        return lines
    return lines[:end]


def _is_name_line(line: str) -> bool:
    stripped = line.strip()
    if not stripped or len(stripped) > 70 or stripped[-1] in "?!:;" or any(c.isdigit() for c in stripped[:3]):
        return False
    words = stripped.split()
    if words[-1].endswith(".") and len(words[-1]) > _LONGEST_ABBREVIATION:
        return False
    return (
        len(words) <= 8
        and words[0][0].isupper()
        and sum(word[0].isupper() for word in words) * 2 >= len(words)
    )
