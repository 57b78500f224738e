"""Streaming: what happens in a run, and what its bodies say meanwhile, as whoever iterates gets it."""
