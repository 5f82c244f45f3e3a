"""`python -m dialoop`: the same as the command `dialoop`."""

from dialoop.cli import main

if __name__ == "__main__":
    main()
