"""The public harness for people who write rules and recipes."""
