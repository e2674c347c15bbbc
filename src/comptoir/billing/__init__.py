"""Money: what purchases and usage cost, in the books and on invoices."""
