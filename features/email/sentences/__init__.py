"""Sentence borders of informal mails."""

from features.email.sentences.splitting import split_sentences

__all__ = ["split_sentences"]
