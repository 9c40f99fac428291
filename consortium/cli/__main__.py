"""``python -m consortium.cli``: the command without an installed script."""

from consortium.cli import main

main()
