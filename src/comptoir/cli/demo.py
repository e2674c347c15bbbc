"""``comptoir demo``."""

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
    from comptoir.demo.run import play_demo

    try:
        play_demo(output, show=(lambda _: None) if quiet else print)
    except DemoFailure as failure:
        fail(str(failure), status=1)
