"""Writes the dashboards: `python -m deploy.grafana`."""

from pathlib import Path

from deploy.grafana.pages import PAGES

FOLDER = Path(__file__).parent / "dashboards"


def main() -> None:
    for page in PAGES:
        (FOLDER / f"{page.uid}.json").write_text(page.json())


if __name__ == "__main__":
    main()
