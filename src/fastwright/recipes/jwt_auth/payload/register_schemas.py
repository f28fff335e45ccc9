"""What the authentication endpoints take and answer with."""

from pydantic import EmailStr, Field, field_validator

from .new_password import LONGEST, MIN_PASSWORD_LENGTH
from .passwords import MAX_PASSWORD_LENGTH, is_text
from .texts import TextsAlone


class Registration(TextsAlone):
    """Who wants an account: texts alone, and nothing beside these."""

    login_name: str = Field(max_length=320)
    further: str = Field(min_length=1)  # when: asks-more
    password: str = Field(min_length=MIN_PASSWORD_LENGTH, max_length=MAX_PASSWORD_LENGTH)

    @field_validator("*")
    @classmethod
    def can_be_stored(cls, value: str) -> str:
        """As at a login, which could not find it otherwise."""
        if not is_text(value):
            raise ValueError("must be text that can be stored")
        return value

    @field_validator("password")  # when: keep-bcrypt
    @classmethod  # when: keep-bcrypt
    def fits_the_hash(cls, password: str) -> str:  # when: keep-bcrypt
        """What a hash does not read, anybody could leave out."""  # when: keep-bcrypt
        if len(password.encode()) > LONGEST:  # when: keep-bcrypt
            raise ValueError(f"must not be longer than {LONGEST} bytes")  # when: keep-bcrypt
        return password  # when: keep-bcrypt

    @field_validator("login_name")  # when: lowercase
    @classmethod  # when: lowercase
    def in_lower_case(cls, login: str) -> str:  # when: lowercase
        """As logins are stored."""  # when: lowercase
        return login.lower()  # when: lowercase
