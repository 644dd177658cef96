"""The ledger: what verified outcomes are charged, what is given back, and proof that the sums are right."""
