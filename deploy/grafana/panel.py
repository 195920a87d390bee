"""What a dashboard is made of: rows of panels, each a question to Prometheus or a few."""

from dataclasses import dataclass, field
from typing import Literal

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as parts

SOURCE = parts.DataSourceRef(type_val="prometheus", uid="prometheus")
_WIDTH = 24
Unit = Literal["short", "percentunit", "s", "bytes", "ops", "none", "bool"]


@dataclass(frozen=True)
class Panel:
    """One picture. `queries` has an expression for each legend, which may name labels in {{ }}."""

    title: str
    queries: dict[str, str]
    unit: Unit = "short"
    told: str = ""
    kind: Literal["curves", "areas", "number"] = "curves"

    def build(self, span: int) -> timeseries.Panel | stat.Panel:
        panel = self._number() if self.kind == "number" else self._curves()
        panel.title(self.title).description(self.told).datasource(SOURCE).unit(self.unit)
        panel.height(4 if self.kind == "number" else 8).span(span)
        for letter, (legend, expression) in zip("ABCDEFGH", self.queries.items(), strict=False):
            panel.with_target(
                prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(letter).range()
            )
        return panel

    def _curves(self) -> timeseries.Panel:
        legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.TABLE)
        legend.placement(looks.LegendPlacement.BOTTOM).calcs(["lastNotNull"]).show_legend(True)
        panel = timeseries.Panel().legend(legend).line_width(1.5).show_points(looks.VisibilityMode.AUTO)
        if self.kind == "areas":
            stacked = common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A")
            panel.stacking(stacked).fill_opacity(30)
        return panel

    def _number(self) -> stat.Panel:
        newest = common.ReduceDataOptions().calcs(["lastNotNull"])
        return stat.Panel().reduce_options(newest).graph_mode(looks.BigValueGraphMode.AREA)


@dataclass(frozen=True)
class Row:
    """Panels beside each other under a heading; as many stand in a line as `across` says."""

    title: str
    panels: tuple[Panel, ...]
    across: int = 3


@dataclass(frozen=True)
class Dashboard:
    """A page. With `by_environment` the visitor chooses environments, `$environment` in queries."""

    uid: str
    title: str
    rows: tuple[Row, ...]
    by_environment: bool = False
    tags: tuple[str, ...] = field(default=("podium",))

    def panels(self) -> list[Panel]:
        return [panel for row in self.rows for panel in row.panels]

    def json(self) -> str:
        """What Grafana reads."""
        page = (
            grafana.Dashboard(self.title)
            .uid(self.uid)
            .tags(list(self.tags))
            .readonly()
            .refresh("10s")
            .time("now-1h", "now")
            .timezone("browser")
            .tooltip(parts.DashboardCursorSync.CROSSHAIR)
            .link(_links())
        )
        if self.by_environment:
            page.with_variable(_environments())
        for row in self.rows:
            page.with_row(grafana.Row(row.title))
            for panel in row.panels:
                page.with_panel(panel.build(_WIDTH // row.across))
        return JSONEncoder(sort_keys=True, indent=2).encode(page.build()) + "\n"


def _links() -> grafana.DashboardLink:
    return (
        grafana.DashboardLink("Podium")
        .type(parts.DashboardLinkType.DASHBOARDS)
        .tags(["podium"])
        .as_dropdown(False)
        .keep_time(True)
    )


def _environments() -> grafana.QueryVariable:
    return (
        grafana.QueryVariable("environment")
        .label("environment")
        .datasource(SOURCE)
        .query("label_values(podium_environment_target_share_ratio, environment)")
        .refresh(parts.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )
