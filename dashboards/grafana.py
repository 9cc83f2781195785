"""One look and feel: Grafana's JSON of a dashboard, made with its own SDK.

The SDK checks almost nothing, and knows no alert list; tests/dashboards checks the result.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from grafana_foundation_sdk.builders import common, prometheus, stat, statetimeline, table
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import timeseries as graphs
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as cm
from grafana_foundation_sdk.models import dashboard as dm
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.model import Dashboard, Limits, Panel, Query, Row, Severity, Variable, identifier
from dashboards.rules import runbook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TAG = "prometheus-aws"
"""Of every dashboard of ours: their links to each other go by it."""

PROMETHEUS = cm.DataSourceRef(type_val="prometheus", uid="${datasource}")

FIRING = Query(
    'ALERTS{SCOPE, alertstate="firing", severity=~"warning|critical"}',
    empty_when_healthy="no alert fires",
)
"""What every dashboard marks in its graphs."""

GOOD = "green"
COLOURS: dict[Severity, str] = {"info": "yellow", "warning": "orange", "critical": "red"}

_Shown = TypeVar(
    "_Shown", builders.Panel, stat.Panel, graphs.Panel, table.Panel, statetimeline.Panel
)


def rendered(dashboard: Dashboard) -> str:
    """Return the text of a dashboard's file."""
    builder = (
        builders.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.description)
        .tags([TAG])
        .readonly()
        .timezone("browser")
        .tooltip(dm.DashboardCursorSync.CROSSHAIR)
        .time(f"now-{dashboard.period}", "now")
        .refresh("1m")
        .links(
            [
                builders.DashboardLink("Dashboards")
                .type(dm.DashboardLinkType.DASHBOARDS)
                .tags([TAG])
                .as_dropdown(as_dropdown=True)
                .include_vars(include_vars=True)
                .keep_time(keep_time=True),
                builders.DashboardLink("Runbooks")
                .icon("doc")
                .url("${RUNBOOK_BASE_URL}/README.md")
                .target_blank(target_blank=True),
            ]
        )
        .annotation(_alerts(dashboard))
        .with_variable(
            builders.DatasourceVariable("datasource")
            .label("Data source")
            .description("Prometheus, or what answers in its place.")
            .type("prometheus")
        )
    )
    for variable in dashboard.variables:
        builder.with_variable(_variable(variable, dashboard))
    for part, place in dashboard.layout():
        position = dm.GridPos(x=place.x, y=place.y, w=place.width, h=place.height)
        if isinstance(part, Row):
            builder.with_row(
                builders.Row(part.title)
                .id(identifier(f"row {part.title}"))
                .grid_pos(position)
                .collapsed(collapsed=False)
            )
        else:
            builder.with_panel(_KINDS[part.kind](part, dashboard, position))
    return encoded(builder.build())


def encoded(dashboard: dm.Dashboard) -> str:
    """Return a dashboard's JSON, always in the same order."""
    document = json.loads(JSONEncoder(sort_keys=True).encode(dashboard))
    return json.dumps(_in_sight(document), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _in_sight(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Leave out what hides each link and annotation in a menu: the SDK cannot leave it out."""
    if isinstance(node, dict):
        hidden = ("placement", dm.DashboardLinkPlacement.IN_CONTROLS_MENU)
        return {key: _in_sight(value) for key, value in node.items() if (key, value) != hidden}
    return [_in_sight(value) for value in node] if isinstance(node, list) else node


def _alerts(dashboard: Dashboard) -> builders.AnnotationQuery:
    return (
        builders.AnnotationQuery()
        .name("Alerts")
        .datasource(PROMETHEUS)
        .enable(enable=True)
        .icon_color(COLOURS["critical"])
        .target(_query(FIRING, dashboard, "Anno").range())
        .title_format("{{alertname}}")
        .text_format("{{instance}}")
        .tag_keys("severity")
    )


def _variable(variable: Variable, dashboard: Dashboard) -> builders.QueryVariable:
    builder = (
        builders.QueryVariable(variable.name)
        .label(variable.label)
        .description(variable.description)
        .datasource(PROMETHEUS)
        .query(dashboard.scoped(variable.query))
        .refresh(dm.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dm.VariableSort.NATURAL_ASC)
    )
    if variable.several:
        every = dm.VariableOption(selected=True, text=["All"], value=["$__all"])
        builder.multi(multi=True).include_all(include_all=True).current(every)
    if variable.all_value:
        builder.all_value(variable.all_value)
    return builder


def _query(query: Query, dashboard: Dashboard, reference: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(dashboard.scoped(query)).ref_id(reference)


def _queries(panel: Panel) -> Iterator[tuple[str, Query]]:
    return zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", panel.queries, strict=False)


def _framed(builder: _Shown, panel: Panel, dashboard: Dashboard, place: dm.GridPos) -> _Shown:
    """Add what panels of every kind have."""
    builder.id(panel.identifier).title(panel.title).description(panel.description)
    builder.grid_pos(place).unit(panel.unit).thresholds(_thresholds(panel.limits))
    builder.links(
        [
            builders.DashboardLink(f"Runbook: {alert}")
            .url(runbook(alert, dashboard.rules))
            .target_blank(target_blank=True)
            for alert in panel.alerts
        ]
    )
    if panel.queries:
        builder.datasource(PROMETHEUS)
    if panel.queries and all(query.empty_when_healthy for query in panel.queries):
        builder.no_value(panel.queries[0].empty_when_healthy.capitalize())
    return builder


def _steps(limits: Limits) -> list[dm.Threshold]:
    """From which value on there is which colour."""
    marks = [(value, COLOURS[severity]) for severity, value in limits]
    if not limits.below:
        return [dm.Threshold(color=GOOD), *(dm.Threshold(value, colour) for value, colour in marks)]
    marks.reverse()  # the lowest number is the worst
    colours = [colour for _, colour in marks] + [GOOD]
    values = [None, *(value for value, _ in marks)]
    return [dm.Threshold(value, colour) for value, colour in zip(values, colours, strict=True)]


def _thresholds(limits: Limits) -> builders.ThresholdsConfig:
    return builders.ThresholdsConfig().mode(dm.ThresholdsMode.ABSOLUTE).steps(_steps(limits))


def _stat(panel: Panel, dashboard: Dashboard, place: dm.GridPos) -> stat.Panel:
    builder = _framed(stat.Panel(), panel, dashboard, place)
    (query,) = panel.queries
    builder.with_target(
        _query(query, dashboard, "A").legend_format(query.legend or panel.title).instant()
    )
    builder.graph_mode(cm.BigValueGraphMode.NONE)
    builder.color_mode(cm.BigValueColorMode.VALUE)
    builder.text_mode(cm.BigValueTextMode.NAME if panel.text else cm.BigValueTextMode.VALUE)
    return builder.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _graph(panel: Panel, dashboard: Dashboard, place: dm.GridPos) -> graphs.Panel:
    builder = _framed(graphs.Panel(), panel, dashboard, place)
    for reference, query in _queries(panel):
        builder.with_target(_query(query, dashboard, reference).legend_format(query.legend).range())
    if any(query.legend.endswith("{{severity}}") for query in panel.queries):
        _colour_severities(builder)
    builder.min(0)
    if panel.maximum is not None:
        builder.max(panel.maximum)
    if panel.stacked:
        builder.stacking(common.StackingConfig().mode(cm.StackingMode.NORMAL))
    if list(panel.limits):
        dashed = cm.GraphThresholdsStyleMode.DASHED
        builder.thresholds_style(common.GraphThresholdsStyleConfig().mode(dashed))
    builder.line_width(1).fill_opacity(30 if panel.stacked else 8)
    builder.show_points(cm.VisibilityMode.NEVER).span_nulls(span_nulls=False)
    builder.legend(
        common.VizLegendOptions()
        .display_mode(cm.LegendDisplayMode.LIST)
        .placement(cm.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )
    return builder.tooltip(
        common.VizTooltipOptions().mode(cm.TooltipDisplayMode.MULTI).sort(cm.SortOrder.DESCENDING)
    )


def _timeline(panel: Panel, dashboard: Dashboard, place: dm.GridPos) -> statetimeline.Panel:
    builder = _framed(statetimeline.Panel(), panel, dashboard, place)
    (query,) = panel.queries
    builder.with_target(_query(query, dashboard, "A").legend_format(query.legend).range())
    _colour_severities(builder)
    builder.show_value(cm.VisibilityMode.NEVER).row_height(0.8).merge_values(merge_values=True)
    builder.line_width(0).fill_opacity(80)
    builder.legend(common.VizLegendOptions().show_legend(show_legend=False))
    return builder.tooltip(common.VizTooltipOptions().mode(cm.TooltipDisplayMode.SINGLE))


def _colour_severities(builder: graphs.Panel | statetimeline.Panel) -> None:
    """Give a series whose name ends with a severity its colour."""
    for severity, colour in (*COLOURS.items(), ("none", GOOD)):
        fixed = {"mode": "fixed", "fixedColor": colour}
        builder.override_by_regexp(f"/{severity}$/", [dm.DynamicConfigValue("color", fixed)])


def _table(panel: Panel, dashboard: Dashboard, place: dm.GridPos) -> table.Panel:
    builder = _framed(table.Panel(), panel, dashboard, place)
    names = dict(panel.labels)
    for reference, query in _queries(panel):
        builder.with_target(
            _query(query, dashboard, reference).format(PromQueryFormat.TABLE).instant()
        )
        # The data source numbers the values of several queries only.
        names["Value" if len(panel.queries) == 1 else f"Value #{reference}"] = query.legend
    builder.with_transformation(dm.DataTransformerConfig(id_val="merge", options={}))
    builder.with_transformation(
        dm.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {name: index for index, name in enumerate(names)},
                "renameByName": names,
            },
        )
    )
    for query in panel.queries:
        properties = [dm.DynamicConfigValue("unit", query.unit or panel.unit)]
        if query.limits is not None:
            properties += [
                dm.DynamicConfigValue("thresholds", _thresholds(query.limits).build()),
                dm.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
            ]
        builder.override_by_name(query.legend, properties)
    for column, url in panel.links:
        links: object = [{"title": f"Show this {column.lower()}", "url": url}]
        builder.override_by_name(column, [dm.DynamicConfigValue("links", links)])
    return builder.filterable(filterable=True)


def _alert_list(panel: Panel, dashboard: Dashboard, place: dm.GridPos) -> builders.Panel:
    """Use the names of public/app/plugins/panel/alertlist in Grafana's sources."""
    importance = 3
    return (
        _framed(builders.Panel(), panel, dashboard, place)
        .type("alertlist")
        .options(
            {
                "viewMode": "list",
                "groupMode": "default",
                "groupBy": [],
                "maxItems": 100,
                "sortOrder": importance,
                "dashboardAlerts": False,
                "alertName": "",
                "alertInstanceLabelFilter": "",
                "showInactiveAlerts": False,
                "stateFilter": {
                    "firing": True,
                    "pending": True,
                    "recovering": True,
                    "error": True,
                    "noData": False,
                    "normal": False,
                },
            }
        )
    )


_KINDS: dict[str, Callable[[Panel, Dashboard, dm.GridPos], Any]] = {
    "stat": _stat,
    "graph": _graph,
    "table": _table,
    "timeline": _timeline,
    "alert list": _alert_list,
}
