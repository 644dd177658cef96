"""Domain packs: one folder a narrow job."""
