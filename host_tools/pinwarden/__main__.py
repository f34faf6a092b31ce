"""`python -m pinwarden` is `pinwarden`."""

from pinwarden.cli import main

if __name__ == "__main__":
    main()
