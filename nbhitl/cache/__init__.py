"""Caches: results of nodes with a `CachePolicy`, from run to run."""
