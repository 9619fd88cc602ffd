"""The scorer: one function from features to scores, for one invoice of a request or every open invoice of a night."""

from models.score.scorer import AT_A_TIME, score
from models.score.scores import Explanation, Score, Scores, scores_of_frame

__all__ = ["AT_A_TIME", "Explanation", "Score", "Scores", "score", "scores_of_frame"]
