"""A partner's commands: what ``comptoir.client`` does, against Comptoir or the real service."""
