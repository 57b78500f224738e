"""Values to bytes and back: exactly, or not at all. Knows neither SQL nor files."""
