"""Webhooks: each sent at least once, in order within its queue, whatever its receiver does."""
