"""Who is on the stage: users of every kind that the matrix has, and others in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fastwright.model.finding import Caller
from fastwright.review.live.credentials import User
from fastwright.review.live.people import People

NAMES: Mapping[Caller, str] = MappingProxyType(
    {Caller.OWNER: "owner", Caller.OTHER_USER: "other", Caller.LOWER_ROLE: "lower"}
)


@dataclass
class Cast:
    """The users of one examination.

    Attributes:
        people: Who makes users.
        users: By the caller that they play: owner, other user, and an ordinary user for routes
            that demand a role. The owner alone where the app knows one key and no users.
        staff: Two users with a higher role, who play owner and other user where one is demanded.
        former: Users who changed, or were put out, by what they called.
    """

    people: People
    users: dict[Caller, User] = field(default_factory=dict)
    staff: tuple[User, ...] = ()
    former: tuple[User, ...] = ()

    @classmethod
    def of(cls, people: People) -> Cast:
        """New users, as many as can be made."""
        cast = cls(people)
        for caller, name in NAMES.items():
            user = people.make(name)
            if user is None:
                break
            cast.users[caller] = user
        if not cast.users and (holder := people.key_holder()) is not None:
            cast.users[Caller.OWNER] = holder
        if cast.users and people.privilege is not None:
            cast.staff = tuple(filter(None, (cast.promoted(n) for n in (1, 2))))
        return cast

    def promoted(self, number: int) -> User | None:
        """A new user with a higher role; None where there is no such role."""
        user = self.people.make(f"staff{number}")
        return self.people.promoted(user) if user is not None else None

    def renew(self) -> bool:
        """Put others in the place of users who are not who they were; whether the owner is new."""
        gone = [c for c, user in self.users.items() if not self.people.is_unchanged(user)]
        for caller in gone:
            self._replace(caller)
        kept = tuple(u for u in self.staff if self.people.is_unchanged(u))
        for number in range(len(kept), len(self.staff)):
            again = self.promoted(number + 1)
            kept = (*kept, again) if again is not None else kept
        self.former += tuple(u for u in self.staff if u not in kept)
        self.staff = kept
        return Caller.OWNER in gone

    def _replace(self, caller: Caller) -> None:
        user = self.people.make(NAMES[caller])
        if user is not None:
            self.former += (self.users[caller],)
            self.users[caller] = user

    def everybody(self) -> tuple[User, ...]:
        """All users that there are or were."""
        return (*self.users.values(), *self.staff, *self.former)
