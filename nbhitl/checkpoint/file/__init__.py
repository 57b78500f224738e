"""One checkpoint file: who owns it, what is in it, what is done when it is old or damaged."""
