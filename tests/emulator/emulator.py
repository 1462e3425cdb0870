"""LocalEmu with two faults put right, without which no canary of a stage can be judged or read.

CloudWatch keeps a series for each whole set of dimensions. LocalEmu searches its sets for a text instead: asked for
`Resource=pets:live` it adds up what was put for `Resource=pets:live-canary`, too, and asked for a function's alias it adds
up the alias and each of its versions. Here a query gives the series of exactly its dimensions. The names of the tests
hold no `%` or `_`, which the database would take for placeholders.

API Gateway keeps `useStageCache` as the text that a patch brought, and answers it where every SDK reads a boolean. Here
it is kept as the boolean.

Run as LocalEmu's own `python -m localemu.runtime.main`.
"""

from localemu.runtime.main import main
from localemu.services.apigateway.next_gen import provider as apigateway
from localemu.services.cloudwatch.cloudwatch_database_helper import CloudwatchDatabase

stored_form = CloudwatchDatabase._get_ordered_dimensions_with_separator
patch_entity = apigateway.patch_api_gateway_entity


def of_exactly(self, dimensions, for_search=False):
    return stored_form(self, dimensions)


def with_booleans(entity, operations):
    for operation in operations:
        if operation["path"] == "/canarySettings/useStageCache" and "value" in operation:
            operation["value"] = str(operation["value"]).lower() == "true"
    return patch_entity(entity, operations)


if __name__ == "__main__":
    CloudwatchDatabase._get_ordered_dimensions_with_separator = of_exactly
    apigateway.patch_api_gateway_entity = with_booleans
    main()
