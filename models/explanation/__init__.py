"""Why a score is what it is: exact contributions, sentences, comparison, and what would change the grade."""
