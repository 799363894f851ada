import json
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gis_api.maps import assets

ROOT = Path(__file__).parents[2]
PACKAGES = json.loads((ROOT / "package.json").read_text())["dependencies"]

installed = pytest.mark.skipif(bool(assets.list_missing_assets()), reason="no node_modules: npm ci --ignore-scripts")


@pytest.fixture
def client() -> TestClient:
    app = Starlette()
    assets.mount_assets(app)
    return TestClient(app)


def test_each_address_names_the_version_of_the_package() -> None:
    for address, file in assets.VENDOR.items():
        package = file.split("/")[0]
        assert address.startswith(f"{package}-{PACKAGES[package]}/")


def test_every_package_is_pinned_to_one_version() -> None:
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in PACKAGES.values())


def test_the_lock_has_hashes_and_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all("integrity" in entry and "resolved" not in entry for entry in packages.values())
    assert set(PACKAGES.items()) <= {(name.removeprefix("node_modules/"), e["version"]) for name, e in packages.items()}


def test_what_folium_links_is_served() -> None:
    assert set(assets.LOCAL.values()) <= set(assets.VENDOR)


@installed
@pytest.mark.parametrize("name", sorted(assets.VENDOR))
def test_a_listed_file_is_served_and_kept_for_ever(client: TestClient, name: str) -> None:
    answer = client.get(assets.vendor_url(name))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/static/vendor/leaflet/package.json",
        "/static/vendor/leaflet-1.9.4/leaflet-src.js",
        "/static/vendor/leaflet-1.9.4/../leaflet/package.json",
        "/static/vendor/..%2f..%2fpyproject.toml",
        "/static/vendor/",
        "/static/",
    ],
)
def test_a_file_that_is_not_listed_does_not_exist(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_own_files_are_served_under_the_hash_of_their_content(client: TestClient) -> None:
    address = assets.build_own_url("css/colours.css")
    assert re.fullmatch(r"/static/[0-9a-f]{12}/css/colours\.css", address)
    answer = client.get(address)
    assert answer.status_code == 200
    assert "--accent: #0b66d8" in answer.text
    assert "immutable" in answer.headers["cache-control"]


def test_own_files_do_not_lead_out_of_their_folder(client: TestClient) -> None:
    assert client.get(assets.build_own_url("..%2fsettings.py")).status_code == 404


def test_an_unlisted_name_has_no_address() -> None:
    with pytest.raises(assets.ExternalAddressError):
        assets.vendor_url("leaflet-1.9.4/leaflet-src.js")
    with pytest.raises(assets.ExternalAddressError):
        assets.find_local_url("https://example.com/x.js")


SCRIPTS = sorted(assets.OWN_FOLDER.rglob("*.js"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(assets.OWN_FOLDER).as_posix())
def test_a_module_writes_no_markup_and_runs_no_text(script: Path) -> None:
    forbidden = (
        r"\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|bindPopup|bindTooltip"
    )
    assert not re.search(forbidden, script.read_text())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(assets.OWN_FOLDER).as_posix())
def test_a_module_imports_only_files_that_exist(script: Path) -> None:
    for name in re.findall(r'^import .* from "([^"]+)";', script.read_text(), re.MULTILINE):
        assert (script.parent / name).resolve().is_file(), name


def test_no_own_file_names_another_host() -> None:
    for file in assets.OWN_FOLDER.rglob("*.*"):
        hosts = set(re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}", file.read_text(encoding="latin-1"))) - {
            "http://www.w3.org"
        }
        assert hosts == set(), file


def test_all_modules_of_a_page_are_known_in_advance() -> None:
    ahead = assets.modules_of("js/planner/main.js")
    assert assets.build_own_url("js/api.js") in ahead
    assert assets.build_own_url("js/planner/editor.js") in ahead
    assert len(ahead) == len(set(ahead))
