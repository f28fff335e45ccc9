"""What authentication takes from the environment."""

import os

# There is no default secret: an app without one does not start.
JWT_SECRET = os.environ["JWT_SECRET"]
JWT_ACCESS_MINUTES = int(os.environ.get("JWT_ACCESS_MINUTES", "15"))
REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")  # when: own-redis
