"""The words nothing was made of, given back as they were typed."""

from __future__ import annotations

from collections.abc import Iterable

from messages.understanding.drugs import names_drugs
from messages.understanding.lexicon import Lexicon
from messages.understanding.named import Cue
from messages.understanding.scan import Piece

_CLINICAL: tuple[Cue, ...] = ("mixed_response", "treated", "symptomatic", "a_toxicity", "surgery")
"""Words that only say how another is meant, but that a clinician would miss if they were dropped in silence."""


def leftover(pieces: Iterable[Piece], text: str, words: Lexicon) -> tuple[str, ...]:
    """The words and numbers nothing was made of, in runs; function words apart, but with the 'no' before them."""
    runs: list[list[int]] = []
    open_run = False
    joint = 0
    negation: Piece | None = None
    for piece in pieces:
        if _is_kept(piece, words):
            if open_run and (not joint or piece.glued):
                runs[-1][1] = piece.end
            else:
                runs.append([piece.start if negation is None else negation.start, piece.end])
            open_run, joint = True, 0
        elif open_run and piece.kind == "sign" and piece.glued and piece.key in "-/%.+":
            joint = piece.end
            if piece.key in "%+":
                runs[-1][1], joint = piece.end, 0
        elif piece.kind != "silent":
            open_run, joint = False, 0
        negation = piece if "negation" in piece.cues else None
    return tuple(dict.fromkeys(text[start:end] for start, end in runs))


def _is_kept(piece: Piece, words: Lexicon) -> bool:
    if piece.used or piece.kind in ("sign", "silent"):
        return False
    if piece.kind in ("word", "number") or piece.is_("other") or names_drugs(piece):
        return True
    one_word = piece.end - piece.start == len(piece.key)  # 'back' is silent, 'back pain' is not
    if piece.kind != "known" or (piece.key in words.silent and one_word):
        return False
    return piece.is_("noun") or piece.is_("find") or piece.is_("say") or piece.cue(*_CLINICAL)
