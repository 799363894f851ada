"""Another system is entered, tried, told, found failing and mended on the administrator's home."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from gis_api.outgoing import Sending
from gis_api.pages import LANGUAGE_COOKIE
from tests.journeys.conftest import RunningCity, Visit, Watch
from tests.receiving import Receiver, receiver

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def other() -> Iterator[Receiver]:
    with receiver() as known:
        yield known


def speaking_english(running: RunningCity) -> Callable[[BrowserContext], object]:
    english = {"name": LANGUAGE_COOKIE, "value": "en", "url": running.address}
    return lambda context: context.add_cookies([english])  # type: ignore[list-item]


def test_another_system_is_told_and_what_fails_is_sent_again(
    running: RunningCity, visit: Visit, other: Receiver
) -> None:
    sending = Sending(running.engine, allowed=(ip_network("127.0.0.0/8"),), clock=lambda: datetime.now(UTC))
    page: Page = visit("admin", "/")
    card = page.locator("[data-test=home-webhooks]")
    expect(card).to_contain_text("还没有向任何外部系统推送")
    card.get_by_label("推送地址").fill(other.url)
    card.get_by_label("方案归档").uncheck()
    card.get_by_role("button", name="添加推送地址").click()
    secret = card.locator("[data-test=fresh-secret]").inner_text()
    row = card.locator("[data-webhook]")
    expect(row).to_contain_text("事件上报、事件流转、方案发布")
    row.get_by_role("button", name="试推").click()
    expect(row).to_contain_text("1 条，自")
    assert sending.look() == 1 and other.received[0].is_signed_with(secret)
    other.answer = lambda number: 500 if number == 2 else 200
    with page.expect_response("**/ping"):
        row.get_by_role("button", name="试推").click()
    assert sending.look() == 1
    row.get_by_role("button", name="推送记录").click()
    told = card.locator("[data-test=webhook-deliveries]")
    expect(told.locator("[data-state=delivered]")).to_have_count(1)
    failed = told.locator("[data-state=waiting]")
    expect(failed).to_contain_text("HTTP 500；")
    with page.expect_response("**/resend"):
        failed.get_by_role("button", name="重新推送").click()
    expect(row).to_contain_text("已连续失败 1 次：HTTP 500")
    assert sending.look() == 1
    row.get_by_role("button", name="推送记录").click()
    expect(told.locator("[data-state=delivered]")).to_have_count(2)
    expect(told.locator("[data-state=waiting]")).to_have_count(0)
    row.get_by_role("button", name="暂停").click()
    expect(row).to_contain_text("已暂停")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="删除").click()
    expect(card).to_contain_text("还没有向任何外部系统推送")


def test_an_inner_address_is_refused_with_the_reason_and_what_was_typed_stays(
    running: RunningCity, visit: Visit, watch: Watch
) -> None:
    watch.expected = ("the server responded with a status of 422",)
    page = visit("admin", "/", before=speaking_english(running))
    card = page.locator("[data-test=home-webhooks]")
    card.get_by_label("Address").fill("https://10.0.0.1/told")
    card.get_by_role("button", name="Add an address").click()
    expect(card.get_by_role("alert")).to_contain_text("WANGGE_WEBHOOK_NETWORKS")
    expect(card.get_by_label("Address")).to_have_value("https://10.0.0.1/told")
