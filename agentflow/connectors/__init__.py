"""Ready-made connectors: SQL, files, HTTP, workers."""
