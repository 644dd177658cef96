"""Proprietary data: the vendor book, purchase orders, the register of what was seen, the books."""
