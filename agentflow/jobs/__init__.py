"""What is sold: jobs, their states and what is kept of them."""
