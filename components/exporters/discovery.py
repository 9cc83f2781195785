"""What Prometheus and its hosts must agree on, for hosts to be found and scraped."""

from typing import Annotated, TypeAlias

from components import checks
from components.arguments import Knob

NodeExporterPort: TypeAlias = Annotated[int, Knob(9100, checks.port)]
"""An argument: port of node_exporter on the hosts."""

CadvisorPort: TypeAlias = Annotated[int, Knob(9101, checks.port)]
"""An argument: port of cAdvisor on the hosts of ECS clusters; its own default, 8080, is one that
many applications listen on."""

DiscoveryTagKey: TypeAlias = Annotated[str, Knob("prometheus-scrape", checks.tag_key)]
"""An argument: key of the tag that a host carries to be scraped."""

DiscoveryTagValue: TypeAlias = Annotated[str, Knob("true", checks.tag_value)]
"""An argument: value of that tag."""
