"""The pictures of README.md: four pages of the demo service at work, each ready to be used.

WANGGE_WRITE_DOCS=1 script/test -k screenshots      writes the four pictures of docs/ anew
"""

from __future__ import annotations

import base64
import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import READY
from tests.journeys.serving import Service
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DOCS = Path(__file__).parents[2] / "docs"
WRITE = os.environ.get("WANGGE_WRITE_DOCS") == "1"
MOST_BYTES = 400_000
# A grid of a village: many small houses, so that every step of a border moves some households.
VILLAGE = "130273001209005"
WIDTH, HEIGHT = 1440, 900
COLOURS = 256
ZOOM = "() => map_main.getZoom()"
PIXELS = """async (picture) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    let text = "";
    for (let i = 0; i < data.length; i += 32768) text += String.fromCharCode(...data.subarray(i, i + 32768));
    return btoa(text);
}"""


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    yield made
    made.close()


def opened(context: BrowserContext, service: Service, person: str, path: str) -> Page:
    """A page of the demo service as one of its demo people."""
    address = f"http://127.0.0.1:{service.port}"
    passwords = json.loads((service.var / "demo-passwords.json").read_text())
    sent = {"name": person, "password": passwords[person]}
    assert context.request.post(f"{address}/api/v1/session", data=sent, headers={"origin": address}).ok
    page = context.new_page()
    page.goto(address + path)
    page.wait_for_selector(READY)
    return page


def middle_of_map(page: Page) -> tuple[float, float]:
    box = page.locator("#map_main").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def closer(page: Page, *, steps: int) -> None:
    """So many turns of the wheel closer to the middle of the map, until every tile has come."""
    x, y = middle_of_map(page)
    for _ in range(steps):
        zoom = page.evaluate(ZOOM)
        page.mouse.move(x, y)
        page.mouse.wheel(0, -240)
        until(lambda before=zoom: page.evaluate(ZOOM) > before, most_s=20.0)
        at_rest(page)


def at_rest(page: Page) -> None:
    """No zoom is under way any more, and every tile has come."""
    expect(page.locator(".leaflet-zoom-anim")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    expect(page.locator(".leaflet-tile:not(.leaflet-tile-loaded)")).to_have_count(0)


def sharp(page: Page) -> None:
    """The ground is that of this very zoom: until it comes, that of the zoom before is shown, larger."""
    at_rest(page)
    page.locator('.leaflet-tile-container[style*="scale(1)"] .leaflet-tile-loaded').first.wait_for()


def vertex_of(page: Page, *grids: str) -> tuple[float, float]:
    """Where the vertex stands that these grids share, by the labels that they have on the map."""
    handle = page.locator(f'[data-test="planner-vertex"]:not(.fixed)[aria-label$="：{" ".join(grids)}"]')
    box = handle.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start_: tuple[float, float], *, by: tuple[float, float]) -> None:
    page.mouse.move(*start_)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(start_[0] + by[0] * step / 8, start_[1] + by[1] * step / 8)


def keep(page: Page, name: str) -> None:
    """The page as a picture of 256 colours, written to docs only when asked for."""
    at_rest(page)
    size = page.viewport_size
    assert size
    width, height = size["width"], size["height"]
    shot = page.screenshot()
    painter = page.context.new_page()  # a page without the policy of the service's own
    raw = base64.b64decode(painter.evaluate(PIXELS, base64.b64encode(shot).decode()))
    painter.close()
    picture = of_few_colours(np.frombuffer(raw, np.uint8).reshape(height, width, 4)[..., :3])
    assert len(picture) < MOST_BYTES
    if WRITE:
        DOCS.mkdir(exist_ok=True)
        (DOCS / name).write_bytes(picture)


def of_few_colours(pixels: np.ndarray) -> bytes:
    """A PNG with a palette of the colours that occur most; every other one becomes the nearest of them."""
    flat = pixels.reshape(-1, 3).astype(np.int32)
    colours, which, counts = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    often = np.argsort(-counts)
    # The most frequent colour of every corner of the colour space first: small coloured words keep their colour.
    corners = np.unique(colours[often] // 32, axis=0, return_index=True)[1]
    chosen = np.concatenate([often[np.sort(corners)], often])
    palette = colours[chosen[np.sort(np.unique(chosen, return_index=True)[1])][:COLOURS]]
    nearest = np.array([np.argmin(((palette - colour) ** 2).sum(axis=1)) for colour in colours], np.uint8)
    rows = nearest[which.reshape(-1)].reshape(pixels.shape[:2])
    lines = np.hstack([np.zeros((len(rows), 1), np.uint8), rows]).tobytes()
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", palette.astype(np.uint8).tobytes()), (b"IDAT", zlib.compress(lines, 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in (*parts, (b"IEND", b"")))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_a_planner_drags_a_vertex_that_three_grids_share(service: Service, context: BrowserContext) -> None:
    page = opened(context, service, "planner", "/planner")
    page.locator('[data-test="new-draft"]').click()
    page.wait_for_url("**/planner?plan=*")
    page.wait_for_selector(READY)
    page.keyboard.press("/")
    page.keyboard.type(VILLAGE)
    page.locator('[data-test="search-result"]').first.wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("e")
    sharp(page)
    expect(page.locator('[data-test="found-ring"]')).to_have_count(0, timeout=15_000)
    page.keyboard.down("Alt")  # without it a vertex beside a road snaps to the road
    drag(page, vertex_of(page, "001-209-003", "209-005", "209-006"), by=(6, 5))
    page.mouse.up()
    expect(page.locator("#plan-state")).to_contain_text("第 2 版")
    expect(page.locator("#change-count")).not_to_be_empty()
    # Other streets have a community 209 with grids 002 and 003 too: a name is one grid's, its community beside it.
    rows = page.locator('[data-test="planner-households"] li')
    expect(rows.filter(has_text="001-209-003")).to_have_count(1)
    expect(rows.filter(has_text="001-209-003").locator(".sizes")).to_contain_text("村")
    drag(page, vertex_of(page, "001-209-002", "001-209-003", "209-005"), by=(-14, 46))
    expect(page.locator("#tip")).to_contain_text("3 个网格共用的界点")
    expect(page.locator("#tip")).to_contain_text("209-005：49→47 户")
    expect(page.locator('[data-test="planner-hands"]')).to_contain_text("2 户由 209-005 转入 001-209-002")
    expect(page.locator('[data-test="planner-cut"]')).to_contain_text("穿过 4 栋楼")
    expect(page.locator("#totals")).to_contain_text("全覆盖，无缝隙")
    sharp(page)
    keep(page, "planner.png")
    page.keyboard.up("Alt")
    page.mouse.up()


def test_a_leader_sees_where_hazards_are_frequent(service: Service, context: BrowserContext) -> None:
    page = opened(context, service, "leader", "/heat")
    expect(page.locator("#legend li")).not_to_have_count(0)
    expect(page.locator('[data-test="heat-worst"] li svg').first).to_be_visible()
    expect(page.locator("#curve svg")).to_be_visible()
    page.locator('[data-test="heat-find-spots"]').click()
    expect(page.locator('[data-test="heat-spots-about"]')).to_contain_text("Getis-Ord")
    keep(page, "heat.png")


def test_a_dispatcher_sees_who_was_sent_and_why(service: Service, context: BrowserContext) -> None:
    page = opened(context, service, "dispatcher", "/report")
    closer(page, steps=1)
    page.mouse.click(*middle_of_map(page))
    form = page.locator('[data-test="report-form"]')
    form.locator("[name=category]").select_option("water_leak")
    form.locator("[name=description]").fill("三单元楼道跑水")
    form.locator("button.main").click()
    expect(page.locator('[data-test="reported"]')).to_contain_text("为什么派给")
    expect(page.locator(".leaflet-control-scale-line")).to_have_text("50 m")
    sharp(page)
    page.locator(".column").evaluate("(column) => column.scrollTo(0, 170)")
    keep(page, "dispatch.png")


def test_a_desk_sees_the_queue_the_map_and_why_this_worker(service: Service, context: BrowserContext) -> None:
    page = opened(context, service, "dispatcher", "/centre")
    page.keyboard.press("ArrowDown")
    expect(page.locator('[data-test="why"] tr.chosen')).to_be_visible()
    # The map stands between two zooms of tiles: those of the nearer one are drawn a little larger.
    page.locator(".leaflet-tile-loaded").first.wait_for()
    keep(page, "centre.png")
