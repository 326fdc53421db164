"""``python -m tweenfield``."""

from tweenfield.command.app import main

main()
