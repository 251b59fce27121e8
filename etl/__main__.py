"""`python -m etl` is `kept`."""

from etl.cli import main

main()
