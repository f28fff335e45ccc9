"""Words → plan → done: the planner, and the engineer who carries a plan through the layers."""
