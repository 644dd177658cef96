"""The pack's own samples: fictitious bills, drawn as pages and written as e-invoices from the same values."""
