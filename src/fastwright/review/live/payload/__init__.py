"""Code of a user's tests, not of ours: what the tests that a live review writes stand on."""
