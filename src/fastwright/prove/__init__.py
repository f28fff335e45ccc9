"""The only judge: a change is run, gate by gate, and what was seen is kept as evidence."""
