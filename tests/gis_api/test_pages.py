import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gis_api import texts
from gis_api.maps.assets import OWN_FOLDER
from gis_api.pages import EVERYBODY, READERS, keep_local_path
from gis_api.routes.pages import CARDS
from layers.planning.state.loading import HOUSEHOLDS_TOLERANCE
from tiling.defects.report import BY_REPAIR_ALONE, MENDED_AS_NOISE, REPAIRABLE, WARNINGS

ClientAs = Callable[..., TestClient]


def config_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="config">(.*?)</script>', html, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def test_the_home_of_nobody_is_the_sign_in(anybody: TestClient) -> None:
    answer = anybody.get("/")
    assert answer.status_code == 200
    assert 'data-test="sign-in"' in answer.text
    assert '<html lang="zh-CN">' in answer.text


def test_a_page_of_nobody_is_the_sign_in_and_says_401(anybody: TestClient) -> None:
    for path in ("/planner?plan=1", "/heat", "/grid/130273001001001"):
        answer = anybody.get(path)
        assert answer.status_code == 401
        assert config_of(answer.text)["next"] == path


def test_every_role_has_a_home_with_its_cards(signed_in: ClientAs) -> None:
    for role in EVERYBODY:
        # A desk's home is the centre; its cards stand on a page of their own.
        html = signed_in(role).get("/report" if role == "dispatcher" else "/").text
        assert re.findall(r'data-card="(\w+)"', html) == list(CARDS[role])
        assert texts.text(f"home.lead_{role}", "zh-CN") in html


def test_the_home_of_a_dispatcher_is_the_centre(signed_in: ClientAs) -> None:
    answer = signed_in("dispatcher").get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/centre")


def test_a_page_opens_for_its_readers_and_is_403_for_others(signed_in: ClientAs) -> None:
    for role in EVERYBODY:
        for name in ("planner", "heat", "centre", "report"):
            answer = signed_in(role).get(f"/{name}")
            assert answer.status_code == (200 if role in READERS[name] else 403), (role, name)
            assert answer.headers["content-type"].startswith("text/html")


def test_a_link_is_shown_only_to_those_who_may_follow_it(signed_in: ClientAs) -> None:
    assert 'href="/planner"' in signed_in("planner").get("/").text
    assert 'href="/planner"' not in signed_in("worker").get("/").text


def test_english_is_chosen_by_a_link_that_is_remembered(anybody: TestClient) -> None:
    chosen = anybody.get("/language", params={"to": "en", "next": "/heat"}, follow_redirects=False)
    assert chosen.status_code == 303
    assert chosen.headers["location"] == "/heat"
    answer = anybody.get("/", headers={"cookie": chosen.headers["set-cookie"].split(";")[0]})
    assert '<html lang="en">' in answer.text
    assert config_of(answer.text)["lang"] == "en"


def test_the_language_of_the_browser_alone_changes_nothing(anybody: TestClient) -> None:
    assert '<html lang="zh-CN">' in anybody.get("/", headers={"accept-language": "en-US,en"}).text


@pytest.mark.parametrize(
    "address", ["//example.com", "/\\example.com", "https://example.com", "javascript:alert(1)", "x", "", "/a\n//b"]
)
def test_going_back_never_leads_to_another_host(address: str) -> None:
    assert keep_local_path(address) == "/"


def test_the_planner_is_told_what_the_service_decides(signed_in: ClientAs) -> None:
    config = config_of(signed_in("planner").get("/planner").text)
    assert config["rules"] == {
        "households_tolerance": HOUSEHOLDS_TOLERANCE,
        "warnings": sorted(WARNINGS),
        "repairable": sorted(REPAIRABLE),
        "by_repair_alone": sorted(BY_REPAIR_ALONE),
        "mended_as_noise": sorted(MENDED_AS_NOISE),
    }
    scripts = "".join(file.read_text() for file in (OWN_FOLDER / "js").rglob("*.js"))
    told = (WARNINGS - {"households_out_of_range", "cut_building"}) | BY_REPAIR_ALONE | MENDED_AS_NOISE
    assert [kind for kind in told if f'"{kind}"' in scripts] == []


def test_an_error_is_a_page_in_the_language_of_pages_not_of_the_browser(signed_in: ClientAs) -> None:
    client = signed_in("planner")
    shown = client.get("/nowhere", headers={"accept": "text/html", "accept-language": "en-US,en;q=0.9"})
    assert shown.status_code == 404
    assert texts.text("errors.unknown_route", "zh-CN") in shown.text
    assert texts.text("errors.unknown_route", "en") not in shown.text


def test_going_back_keeps_an_own_address() -> None:
    assert keep_local_path("/planner?plan=7") == "/planner?plan=7"


def test_each_answer_has_a_policy_and_a_nonce_of_its_own(signed_in: ClientAs) -> None:
    client = signed_in("planner")
    nonces = set()
    for _ in range(2):
        answer = client.get("/planner")
        found = re.search(r"'nonce-([^']+)'", answer.headers["content-security-policy"])
        assert found
        nonces.add(found[1])
        scripts = re.findall(r"<script(?! type=\"application/json\")[^>]*>", answer.text)
        assert len(scripts) > 3
        assert all(f'nonce="{found[1]}"' in tag for tag in scripts)
    assert len(nonces) == 2


def test_a_page_has_no_address_of_another_host_and_no_handler(signed_in: ClientAs) -> None:
    client = signed_in("planner")
    for path in ("/", "/planner?plan=1", "/heat", "/grid/1", "/api/v1/docs"):
        html = client.get(path).text
        fetched = re.findall(r'(?:src|href)="([^"]*)"', html)
        assert fetched
        assert all(address.startswith(("/", "#")) and not address.startswith("//") for address in fetched)
        assert not re.search(r"<[^>]+\s(on\w+|style)=", html)


def test_the_page_of_a_plan_tells_the_browser_at_once_what_its_script_will_ask_for(signed_in: ClientAs) -> None:
    html = signed_in("planner").get("/planner?plan=1").text
    head = html[: html.index("<body")]
    for address in ("/api/v1/plans/1/topology", "/api/v1/plans/1"):
        assert f'<link rel="preload" as="fetch" crossorigin href="{address}">' in head
    assert "/api/v1/plans" not in signed_in("planner").get("/planner").text.partition("<body")[0]


def test_what_is_asked_for_cannot_break_out_of_the_configuration(signed_in: ClientAs) -> None:
    html = signed_in("planner").get("/planner", params={"plan": "</script><script>alert(1)</script>"}).text
    assert "<script>alert" not in html
    assert config_of(html)["plan"] == "</script><script>alert(1)</script>"


def test_a_page_that_does_not_exist_is_told_as_a_page(signed_in: ClientAs) -> None:
    answer = signed_in("planner").get("/nowhere", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert texts.text("errors.title_404", "zh-CN") in answer.text


def test_an_interface_that_does_not_exist_is_told_as_a_problem(signed_in: ClientAs) -> None:
    answer = signed_in("planner").get("/api/v1/nowhere", headers={"accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def templates_and_scripts() -> dict[str, str]:
    folder = OWN_FOLDER.parent
    files: list[Path] = [*(folder / "templates").glob("*.html"), *OWN_FOLDER.rglob("*.js")]
    return {file.relative_to(folder).as_posix(): file.read_text() for file in files}


def test_every_word_that_a_page_asks_for_is_in_the_catalogue() -> None:
    asked = {
        (name, key)
        for name, source in templates_and_scripts().items()
        for key in re.findall(r"""\bt\(["'`]([a-z_]+\.[A-Za-z0-9_]+)["'`]\s*[,)]""", source)
    }
    assert len(asked) > 100
    assert [pair for pair in sorted(asked) if not texts.has(pair[1])] == []


def test_every_card_has_its_module_and_its_title() -> None:
    for card in {card for cards in CARDS.values() for card in cards}:
        assert (OWN_FOLDER / "js" / "home" / f"{card}.js").is_file()
        assert texts.has(f"home.card_{card}")


def test_the_picker_of_files_takes_workbooks_and_says_so(signed_in: ClientAs) -> None:
    page = signed_in("planner").get("/imports").text
    assert ".xlsx" in re.findall(r'accept="([^"]+)"', page)[0].split(",")
    assert "Excel" in page
