"""Words of one meaning, in French and English together: what is learnt from one of them holds for the others."""

from features.email.concepts.lexicon import concept_of

__all__ = ["concept_of"]
