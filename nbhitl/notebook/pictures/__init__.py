"""The drawing of a run: laid out once, painted at each moment, live in the page and baked into an SVG."""
