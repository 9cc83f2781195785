"""Write the dashboards' files: `python -m dashboards`."""

from dashboards.catalogue import files


def main() -> None:
    """Write every file, and say where."""
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
