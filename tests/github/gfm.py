"""Reads a JSON list of Markdown texts, prints a JSON list of their HTML, as GitHub's own dialect has it."""

import json
import sys

import cmarkgfm
from cmarkgfm.cmark import Options

# GitHub shows <details>, so raw HTML is kept.
texts = json.load(sys.stdin)
json.dump([cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE) for text in texts], sys.stdout)
