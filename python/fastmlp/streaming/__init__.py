"""Tables beyond memory: read once, kept as a compact row cache, trained on in windows."""
