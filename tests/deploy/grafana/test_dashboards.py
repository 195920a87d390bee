"""The dashboards that are shipped are those that the code makes, and each panel asks something."""

import json

import pytest

from deploy.grafana.__main__ import FOLDER
from deploy.grafana.pages import PAGES
from deploy.grafana.panel import Dashboard


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.uid)
def test_what_is_shipped_is_what_the_code_makes(page: Dashboard) -> None:
    shipped = FOLDER / f"{page.uid}.json"
    assert shipped.read_text() == page.json(), "run python -m deploy.grafana"


def test_nothing_else_is_shipped() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {page.uid for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.uid)
def test_panels_ask_the_provisioned_source_and_do_not_overlap(page: Dashboard) -> None:
    made = json.loads(page.json())
    panels = [panel for panel in made["panels"] if panel["type"] != "row"]
    assert [panel["title"] for panel in panels] == [panel.title for panel in page.panels()]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}
        assert len(panel["targets"]) == len({target["refId"] for target in panel["targets"]}) > 0
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert taken.isdisjoint(cells), panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
