"""Exams: how well a pack's sources and ladders do on cases whose right answer is known, and what that costs."""
