"""`python -m straywatch`: the command line without its installed script."""

from straywatch.cli import main

main()
