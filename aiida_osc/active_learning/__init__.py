"""Active learning: acquisition, batch selection, promotion rules, history."""
