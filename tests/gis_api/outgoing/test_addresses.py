"""Where the service may be made to send to: a list written down beside the code, tried at the door."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from typing import Any

import pytest
from starlette.testclient import TestClient

from gis_api.outgoing.addresses import Unreachable, find_addresses, read_target
from tests.gis_api.conftest import ClientAs

KINDS = ["incident.reported"]
NO_ADDRESS, PASSWORD = "webhook_no_address", "webhook_with_password"
INNER, UNKNOWN, PLAIN = "webhook_inner_address", "webhook_unknown_host", "webhook_without_tls"
REFUSED = {
    # This machine, in every way in which it can be written.
    **dict.fromkeys(("https://127.0.0.1/", "https://localhost/x", "https://[::1]/", "https://0.0.0.0/"), INNER),
    **dict.fromkeys(("https://2130706433/", "https://0177.0.0.1/", "https://0x7f.1/", "https://127.1/"), INNER),
    **dict.fromkeys(("https://[::ffff:127.0.0.1]/", "https://[::ffff:10.0.0.1]/", "https://[::]/"), INNER),
    **dict.fromkeys(("https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[2001::1]/"), INNER),
    # Its neighbours, the provider's own services, everybody at once.
    **dict.fromkeys(("https://10.0.0.1/", "https://172.16.9.9/", "https://192.168.1.1/", "https://100.64.0.1/"), INNER),
    **dict.fromkeys(("https://169.254.169.254/latest/meta-data/", "https://[fe80::1]/", "https://[fd00::1]/"), INNER),
    **dict.fromkeys(("https://224.0.0.1/", "https://255.255.255.255/", "https://[ff02::1]/"), INNER),
    # What leads to another server, or to another protocol.
    **dict.fromkeys(("ftp://example.org/", "file:///etc/passwd", "javascript:alert(1)", "//x"), NO_ADDRESS),
    **dict.fromkeys(("https://", "https:///x", "https://x:99999/", "https://x:0/", "https://[::1/", "x"), NO_ADDRESS),
    **dict.fromkeys(("https://x/ y", "https://x/\r\nHost: y", "https://x/\u5f20", "https://x/\x00"), NO_ADDRESS),
    **dict.fromkeys(("https://me:secret@8.8.8.8/", "https://8.8.8.8@127.0.0.1/", "https://:p@8.8.8.8/"), PASSWORD),
    **dict.fromkeys(("https://nobody.invalid/", "https://a..b/", f"https://{'a' * 70}.example/"), UNKNOWN),
    "http://8.8.8.8/": PLAIN,
}


@pytest.mark.parametrize(("url", "code"), REFUSED.items())
def test_an_address_that_may_not_be_sent_to_is_refused_with_the_reason(url: str, code: str) -> None:
    with pytest.raises(Unreachable) as wrong:
        find_addresses(read_target(url), allowed=())
    assert wrong.value.code == code


@pytest.mark.parametrize("url", ["https://8.8.8.8/told?key=1", "https://8.8.8.8:8443", "https://[2606:4700::1111]/"])
def test_an_address_of_the_internet_is_taken(url: str) -> None:
    assert len(find_addresses(read_target(url), allowed=())) == 1


def test_the_operator_allows_a_network_and_no_other() -> None:
    allowed = (ip_network("10.8.0.0/16"),)
    assert find_addresses(read_target("http://10.8.1.1:9000/"), allowed=allowed)
    for url in ("http://10.9.1.1/", "http://127.0.0.1/", "http://8.8.8.8/"):
        with pytest.raises(Unreachable):
            find_addresses(read_target(url), allowed=allowed)


def test_a_name_that_leads_to_one_inner_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 443)) for host in ("8.8.8.8", "192.168.0.9")]

    monkeypatch.setattr("gis_api.outgoing.addresses.socket.getaddrinfo", both)
    with pytest.raises(Unreachable, match=INNER):
        find_addresses(read_target("https://two-faced.example/"), allowed=())


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_door_says_why_and_where(client_as: ClientAs, language: str) -> None:
    admin: TestClient = client_as("admin")
    sent = {"url": "https://127.0.0.1/", "kinds": KINDS}
    answer = admin.post("/api/v1/webhooks", json=sent, headers={"accept-language": language})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["url"] and "WANGGE_WEBHOOK_NETWORKS" in answer.json()["detail"]
