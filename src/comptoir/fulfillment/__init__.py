"""What publishers see of purchases and do with them: activation, cancellation, consent to changes."""
