"""A command group that answers an unknown command with the nearest one."""

from __future__ import annotations

from collections.abc import Sequence

import click


def examples(*lines: str) -> str:
    """The end of a help page: commands to copy, one a line, not wrapped."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


class NearestGroup(click.Group):
    """Keeps its commands in the order in which they were written, and suggests on a miss."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands, as written, which is the order in which one needs them."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that ``args[0]`` names.

        Raises:
            UnknownName: There is none; carries the nearest.
        """
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415

            from fastwright.model.errors import UnknownName  # noqa: PLC0415

            known = self.list_commands(ctx)
            alike = get_close_matches(name, known, n=3, cutoff=0.4)
            raise UnknownName(self._kind(), name, [*dict.fromkeys((*self.meant(name), *alike))][:3])
        return super().resolve_command(ctx, args)

    def meant(self, name: str) -> Sequence[str]:  # noqa: ARG002 - for groups that know words
        """The commands that `name` means in other words, the likeliest first."""
        return ()

    def _kind(self) -> str:
        return "command"
