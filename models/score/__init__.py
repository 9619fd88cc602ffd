"""The scorer: one function from features to scores, for one invoice of a request or every open invoice of a night."""

from models.score.scorer import score, score_frame
from models.score.scores import Explanation, Score, Scores, scores_of_frame

__all__ = ["Explanation", "Score", "Scores", "score", "score_frame", "scores_of_frame"]
