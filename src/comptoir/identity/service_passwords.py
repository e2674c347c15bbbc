"""Drawing the first password of a new tenant's administrator."""

import secrets as randomness
import string

GROUPS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!#%&*+-?@_")
LENGTH = 16


def draw_password() -> str:
    """Sixteen characters with each kind at least once, to be shown once. It is not stored."""
    characters = [randomness.choice(group) for group in GROUPS]
    characters += [randomness.choice("".join(GROUPS)) for _ in range(LENGTH - len(GROUPS))]
    randomness.SystemRandom().shuffle(characters)
    return "".join(characters)
