"""Each account's clock, the one reading of the wall's, and the work that falls due by an account's clock."""
