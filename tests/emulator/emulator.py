"""LocalEmu with one fault put right, without which no canary of a stage can be judged.

CloudWatch keeps a series for each whole set of dimensions. LocalEmu searches its sets for a text instead: asked for
`Resource=pets:live` it adds up what was put for `Resource=pets:live-canary`, too, and asked for a function's alias it adds
up the alias and each of its versions. Here a query gives the series of exactly its dimensions. The names of the tests
hold no `%` or `_`, which the database would take for placeholders.

Run as LocalEmu's own `python -m localemu.runtime.main`.
"""

from localemu.runtime.main import main
from localemu.services.cloudwatch.cloudwatch_database_helper import CloudwatchDatabase

stored_form = CloudwatchDatabase._get_ordered_dimensions_with_separator


def of_exactly(self, dimensions, for_search=False):
    return stored_form(self, dimensions)


if __name__ == "__main__":
    CloudwatchDatabase._get_ordered_dimensions_with_separator = of_exactly
    main()
