// What is wrong with a page as it is drawn: a sentence for each fault (tests/journeys/every_page.py asks). Data may be
// cut where their reader gets at the rest, the whole of them stands under the pointer; words of the page itself are
// never cut, and neither are codes, which differ in their last figures. A table may scroll, and a map's bar of tools
// too.
const MAY_SCROLL = ".scroll, .rail, .controls, pre, textarea, .swagger-ui, .swagger-ui *";
const CHROME = "button, .button, summary, th, label, nav, h1, h2, h3, .chip";
const NO_TEXT = "script, style, noscript, svg, option, .skip, .swagger-ui";
const HAN = /[\u4e00-\u9fff]/;

const all = (selector) => [...document.querySelectorAll(selector)];
const seen = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
const named = (one) => [one.tagName.toLowerCase() + (one.id && `#${one.id}`), ...one.classList].join(".");
const isRoot = (one) => !one || one === document.scrollingElement;

// `latin`: words in Latin letters that a Chinese page may say; `foreign`: pieces of sentences that an English one may
// not.
export function faultsOf({ lang, latin, foreign }) {
  const known = new Set(latin.map((word) => word.toLowerCase()));
  const isStrange = (text) =>
    lang === "en"
      ? foreign.some((piece) => text.includes(piece))
      : !HAN.test(text) && (text.match(/[A-Za-z][a-z]{2,}/g) ?? []).some((word) => !known.has(word.toLowerCase()));
  const strange = [...spoken()]
    .filter(([text, one]) => isStrange(text) && !one.closest("code"))
    .map(([text, one]) => `not in ${lang}: ${text.slice(0, 80)} (${named(one)})`);
  return [...new Set([...tooWide(), ...cutTexts(), ...cutChoices(), ...faces(), ...strange])];
}

function tooWide() {
  const { scrollWidth } = document.scrollingElement;
  const boxes = all("body *").filter(
    (one) =>
      /auto|scroll/.test(getComputedStyle(one).overflowX) &&
      one.clientWidth &&
      one.scrollWidth > one.clientWidth + 1 &&
      !one.matches(MAY_SCROLL),
  );
  const page = scrollWidth > innerWidth ? [`the page is ${scrollWidth} px wide`] : [];
  return [...page, ...boxes.map((one) => `scrolls sideways: ${named(one)} ${one.scrollWidth} in ${one.clientWidth}`)];
}

function* texts() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const one = node.parentElement;
    if (node.data.trim() && !one.closest(NO_TEXT) && seen(one)) yield [node, one];
  }
}

// Everything that is said, to the eye or to a screen reader, but what is said in another language on purpose.
function* spoken() {
  for (const [node, one] of texts()) if (isOfPage(one)) yield [node.data.trim(), one];
  for (const one of all("[title]:not(tr), [aria-label], [placeholder], option")) {
    if (one.closest(".swagger-ui") || !isOfPage(one)) continue;
    for (const text of [one.title, one.ariaLabel, one.placeholder, one.matches("option") && one.text])
      if (text) yield [text, one];
  }
}

const isOfPage = (one) => one.closest("[lang]").lang === document.documentElement.lang;

function cutTexts() {
  const faults = [];
  for (const [node, one] of texts()) {
    const range = document.createRange();
    range.selectNodeContents(node);
    const text = node.data.trim();
    const by = [...range.getClientRects()]
      .map((box) => cutterOf(one, box))
      .find((at) => at && !mayBeCut(text, one, at));
    if (by) faults.push(`cut by ${named(by)}: ${text.slice(0, 60)}`);
  }
  return faults;
}

// The element that cuts a piece of text short or lets it leave the screen; null where it is whole or can be scrolled
// to.
function cutterOf(one, box) {
  for (let at = one; !isRoot(at); at = at.parentElement) {
    const { overflowX, clipPath } = getComputedStyle(at);
    if (clipPath !== "none") return null;
    if (overflowX === "visible") continue;
    const edge = at.getBoundingClientRect();
    if (box.right <= edge.right + 1.5 && box.left >= edge.left - 1.5) continue;
    return /auto|scroll/.test(overflowX) ? null : at;
  }
  return box.right > innerWidth + 1 || box.left < -1 ? document.scrollingElement : null;
}

function mayBeCut(text, one, at) {
  if (isRoot(at) || one.closest(CHROME) || /^[\d-]+$/.test(text)) return false;
  one.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
  return Boolean(one.closest("[title]"));
}

function cutChoices() {
  const pen = document.createElement("canvas").getContext("2d");
  return all("select")
    .filter((one) => seen(one) && one.selectedOptions.length)
    .filter((one) => {
      const style = getComputedStyle(one);
      pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      return pen.measureText(one.selectedOptions[0].text).width > room + 2;
    })
    .map((one) => `cut by ${named(one)}[${one.name}]: ${one.selectedOptions[0].text}`);
}

// Two faces in one page look like two pages; code has its own.
function faces() {
  const found = new Set();
  for (const [, one] of texts()) if (!one.closest("code, kbd")) found.add(getComputedStyle(one).fontFamily);
  return found.size > 1 ? [`several faces: ${[...found].join(" | ")}`] : [];
}
