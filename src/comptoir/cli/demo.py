"""``comptoir demo``."""

import os
import shutil
import sys
from pathlib import Path

from comptoir.cli.common import fail


def demo(*, output: Path = Path("demo-output"), quiet: bool = False) -> None:
    """Play a partner's purchase over real HTTP against a fresh sample marketplace, step by step.

    Parameters
    ----------
    output
        Folder for the marketplace and the record of the calls; what an earlier demo left there is replaced.
    quiet
        Show nothing but a failure.
    """
    from comptoir.demo.play import DemoFailure
    from comptoir.demo.run import DATABASE, play_demo

    try:
        play_demo(output, show=(lambda _: None) if quiet else _show)
    except DemoFailure as failure:
        fail(f"the demo failed: {failure}", status=1)
    if not quiet:
        at = f"--database {output / DATABASE}"
        _show("Next, try:")
        _show(f"  {_program()} serve {at}")
        _show(f"  {_program()} customers {at}")
        _show(f"  {_program()} token --account sandbox {at}")


def _show(line: str) -> None:
    print(line, flush=True)


def _program() -> str:
    """How this program was called, as short as it works from here."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{Path(sys.executable).name} -m comptoir"
    found = shutil.which("comptoir")
    if found is not None and Path(found).resolve() == called.resolve():
        return "comptoir"
    return min(str(called), os.path.relpath(called), key=len)
