"""What the authentication endpoints take."""

import re
from typing import Any

from pydantic import BaseModel, model_validator

_HALF = re.compile("[\ud800-\udfff]")


class TextsAlone(BaseModel):
    """A body of texts: anything else that is sent counts as an empty one."""

    @model_validator(mode="before")
    @classmethod
    def takes_texts_alone(cls, sent: Any) -> dict[str, str]:
        """Nothing else gets further: an error that repeats NaN is one that cannot be sent."""
        given = sent if isinstance(sent, dict) else {}
        return {name: as_text(given.get(name)) for name in cls.model_fields}


def as_text(value: object) -> str:
    """`value` where it is text, else the empty one."""
    return value if isinstance(value, str) and not _HALF.search(value) else ""
