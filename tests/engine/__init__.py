"""The engine."""

import sandbox  # noqa: F401 - sets what gRPC looks at when it is imported, so before `pulumi`
