"""Tables larger than memory: read once, stored as a compact row cache, trained on in windows."""
