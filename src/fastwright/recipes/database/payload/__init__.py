"""What the recipe writes, with placeholder names."""
