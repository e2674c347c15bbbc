"""What metering asks of subscriptions."""

from collections.abc import Collection

from comptoir.db import Tx
from comptoir.subscriptions import store_metering
from comptoir.subscriptions.model import MeteredSubscription


async def metered(tx: Tx, subscription_ids: Collection[str]) -> dict[str, MeteredSubscription]:
    """The subscriptions that exist among those named, by id in lower case, in whichever account they are.

    They stay as they are until the transaction ends.
    """
    return await store_metering.find(tx, subscription_ids)
