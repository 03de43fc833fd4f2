"""axe-core on a page, out of reach of the page's content policy and of the page's own scripts."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page

SOURCE = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """
axe.run(document, {runOnly: %s, resultTypes: ["violations"]}).then((found) => JSON.stringify(
  found.violations.map(({id, impact, nodes}) => ({id, impact, nodes: nodes.map((node) => node.html)}))))
"""


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with the page as it stands, a line for each rule."""
    devtools = page.context.new_cdp_session(page)
    try:
        frame = devtools.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = devtools.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
        place = {"contextId": world["executionContextId"]}
        _evaluate(devtools, SOURCE.read_text(encoding="utf-8") + "; 0", place)
        found = json.loads(_evaluate(devtools, RUN % json.dumps(TAGS), place))
    finally:
        devtools.detach()
    return [f"{rule['id']} ({rule['impact']}): {'; '.join(rule['nodes'])[:600]}" for rule in found]


def _evaluate(devtools, expression: str, place: dict[str, int]):
    answer = devtools.send("Runtime.evaluate", {"expression": expression, "awaitPromise": True, **place})
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")
