"""The journal: one entry for each use case, chained by hashes, in the transaction of the effect."""
