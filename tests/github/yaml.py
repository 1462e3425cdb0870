"""Reads a JSON list of YAML texts, prints a JSON list of what they say; `on` is a word, as GitHub reads it."""

import json
import sys

from ruamel.yaml import YAML

json.dump([YAML(typ="safe", pure=True).load(text) for text in json.load(sys.stdin)], sys.stdout)
