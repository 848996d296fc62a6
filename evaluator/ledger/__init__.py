"""Append-only logs: Merkle trees, signed heads, plain files that anybody can check, receipts."""
