"""What shall happen: records, checks, policies, steps, workflows and packs; values and protocols, no I/O."""
