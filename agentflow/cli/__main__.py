"""`python -m agentflow.cli`, for where the command is not on the path."""

from agentflow.cli import main

main()
