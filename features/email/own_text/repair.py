"""Repairs what mail systems do to text: wrong decoding, HTML left in plain text, odd spaces."""

from __future__ import annotations

import html
import quopri
import re

_MOJIBAKE_RUN = re.compile(
    "[\u00c2-\u00f4\u0153\u0160\u0161\u0178]["
    "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014\u2018-\u201e"
    "\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122]{1,3}"
)
_QUOTED_PRINTABLE = re.compile(r"=(?:C3=[89AB][0-9A-F]|E2=80=[0-9A-F]{2}|E9|E8|E0|20\n|\n)")
_HTML_TAG = re.compile(
    r"</?(?:html|body|div|p|br|span|table|tr|td|blockquote|font|b|i|a|style|head|meta|ul|li|o:p)\b", re.I
)
_DROPPED_BLOCKS = re.compile(r"<(style|script|head|title)\b.*?</\1\s*>|<!--.*?-->", re.I | re.S)
_QUOTED_BLOCK = re.compile(r"<blockquote\b.*?</blockquote\s*>", re.I | re.S)
_OPEN_QUOTE = re.compile(
    r"<(?:blockquote\b|div[^<>]{0,300}(?:gmail_quote|yahoo_quoted|divRplyFwdMsg|moz-cite-prefix)).*\Z",
    re.I | re.S,
)
_LINE_TAG = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d|p|div|hr)\b[^>]*>", re.I)
_ANY_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,400}>")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{2,5}|#x[0-9a-fA-F]{2,5});")
_SPACES = re.compile(r"[\u00a0\u2000-\u200a\u202f\u205f\u3000\t]")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]")


def repair_text(text: str) -> str:
    """Text as its sender saw it: encodings mended, HTML turned into lines, spaces made plain.

    Repairs UTF-8 read as Windows-1252 (``Ã©``), quoted-printable remnants (``=C3=A9``), entities (``&eacute;``),
    tags, non-breaking and invisible characters. Text that is not damaged comes back unchanged apart from spaces.
    """
    repaired = text.replace("\r\n", "\n").replace("\r", "\n")
    if "=" in repaired and _QUOTED_PRINTABLE.search(repaired):
        repaired = _decode_quoted_printable(repaired)
    for _ in range(2):
        mended = _MOJIBAKE_RUN.sub(lambda run: _decode_run(run.group()), repaired)
        if mended == repaired:
            break
        repaired = mended
    if "<" in repaired and _HTML_TAG.search(repaired):
        repaired = _strip_html(repaired)
    if "&" in repaired and _ENTITY.search(repaired):
        repaired = html.unescape(repaired)
    repaired = _SPACES.sub(" ", repaired)
    return _INVISIBLE.sub("", repaired)


def _decode_run(run: str) -> str:
    try:
        raw = b"".join(_windows_byte(character) for character in run)
        return raw.decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return run


def _windows_byte(character: str) -> bytes:
    code = ord(character)
    return bytes([code]) if 0x80 <= code <= 0x9F or 0xA0 <= code <= 0xFF else character.encode("cp1252")


def _decode_quoted_printable(text: str) -> str:
    raw = quopri.decodestring(text.encode("utf-8"))
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return text


def _strip_html(text: str) -> str:
    text = _DROPPED_BLOCKS.sub(" ", text)
    text = _QUOTED_BLOCK.sub("\n", text)
    text = _OPEN_QUOTE.sub("\n", text)
    text = _LINE_TAG.sub("\n", text)
    return _ANY_TAG.sub("", text)
