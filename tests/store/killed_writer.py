"""A process that writes numbers for ever and says each one once it is told it is durable, to be killed."""

import asyncio
import itertools
import sys
from functools import partial

from tests.store.ledger import put

from comptoir.audit import service as audit
from comptoir.db import open_database


async def main(url: str) -> None:
    database = await open_database(url, before_commit=audit.append)
    numbers = itertools.count()

    async def write_for_ever() -> None:
        for number in numbers:
            await database.write(partial(put, name=f"{number}", value="whole"))
            print(number, flush=True)

    await asyncio.gather(*(write_for_ever() for _ in range(16)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
