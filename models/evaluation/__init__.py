"""How good a model is: backtest over past cut-offs, baselines, metrics, model card, evidence for promotion."""
