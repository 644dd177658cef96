"""A pack of one short step, for benchmarks of what stands around a job."""
