"""Writes every golden reply anew, on SQLite: ``python -m tests.golden``."""

import asyncio
import tempfile
from pathlib import Path

from comptoir.bootstrap import making
from comptoir.settings import Settings
from tests.golden.replay import CLIENTS, replay, text_of
from tests.market import SEED, open_market


async def write(client: str, folder: Path) -> None:
    """Replay one client's walk over a marketplace of its own."""
    url = f"sqlite:///{folder / client}.db"
    made = await making.initialise(Settings(database=url), with_sample=True, seed=SEED)
    async with open_market(url, made) as market:
        for call, reply in await replay(market, client):
            call.reply_file.write_text(text_of(reply), encoding="utf-8")
            print(reply["status"], f"{client}/{call.name}")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for client in CLIENTS:
            await write(client, Path(folder))


asyncio.run(main())
