"""Keys, envelopes, digests and codes: the only folder that touches cryptographic primitives."""
