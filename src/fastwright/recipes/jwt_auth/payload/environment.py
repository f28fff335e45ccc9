"""What authentication takes from the environment."""

import os

# There is no default secret: an app without one does not start.
JWT_SECRET = os.environ["JWT_SECRET"]
JWT_ACCESS_MINUTES = int(os.environ.get("JWT_ACCESS_MINUTES", "15"))
