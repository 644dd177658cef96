"""How it happens: attempts, verdicts, models, and the graph that carries a job from step to step."""
