// The heat page: cells counted by the server, coloured by class; a window in time; figures beside the map.
import { get } from "../api.js";
import { t } from "../config.js";
import { againButton, byId, el, fill, present } from "../dom.js";
import { colour } from "../map/colours.js";
import { goTo } from "../map/flash.js";
import { hideWithPointer } from "../map/moment.js";
import { map, show } from "../map/place.js";
import { SearchBox } from "../map/search.js";
import { boxOf, latLngOf } from "../map/world.js";
import { scaleOf } from "./classes.js";
import { isReleased, LEVELS, levelOf, monthsOf, queryOf, showReleased } from "./released.js";
import { showCategories, showFigures, showLegend, showPeriod, showWorst, totals, wordsOf } from "./panel.js";
import { Spots } from "./spots.js";
import { dayOf, Strip } from "./strip.js";

const DAY_MS = 86_400_000;
const DAYS = 365;
/** @type {any} */
const layer = window.geo_json_cells;
layer.options.coordsToLatLng = ([lon, lat]) => latLngOf(lon, lat);
const controls = byId("controls");
const today = new Date();
today.setHours(24, 0, 0, 0);
const first = new Date(today.getTime() - DAYS * DAY_MS);
const shapes = new Map();
let names = new Map();
let months = {};
/** @type {Record<string, any> | null} */
let asked = null;

const spots = new Spots({
  box: byId("spots"),
  layer,
  address: () => `/api/v1/heat/spots?${query(question())}`,
  isReleased,
});
const strip = new Strip(byId("curve"), { days: DAYS, changed: soon });

function question() {
  const {
    layer: of,
    cell,
    per,
    category,
  } = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(controls)));
  const since = new Date(first.getTime() + strip.from * DAY_MS);
  const until = new Date(first.getTime() + strip.end * DAY_MS);
  return { layer: of, cell, per, category, since, until, month: byId("month").value };
}

/** @type {(wish: any, more?: Record<string, string>) => URLSearchParams} */
function query({ layer: of, cell, per, category, since, until }, more = {}) {
  /** @type {Record<string, string>} */
  const words = { layer: of, cell, per, since: since.toISOString(), until: until.toISOString(), ...more };
  if (category) words.category = category;
  return new URLSearchParams(words);
}

// Figures of a period: of one category where one is chosen.
const figuresOf = ({ category, since, until }) =>
  new URLSearchParams({
    since: since.toISOString(),
    until: until.toISOString(),
    ...(category ? { category } : {}),
  });

// While the window is dragged, one request at a time; the last wish wins.
let waiting = false;
let running = false;

function soon() {
  byId("play").classList.toggle("on", strip.playing);
  byId("play").setAttribute("aria-label", t(strip.playing ? "heat.pause" : "heat.play"));
  dates();
  if (running) waiting = true;
  else refresh();
}

async function refresh() {
  running = true;
  try {
    await paint(question());
    byId("toast").hidden = true;
  } catch (problem) {
    say(problem);
  }
  running = false;
  if (waiting) {
    waiting = false;
    refresh();
  }
}

function say(problem) {
  fill(byId("toast"), el("div", {}, problem.message), againButton(problem, again));
  byId("toast").hidden = false;
}

// One request for each stop: the cells, and the figures of the panel beside them. Cells come with their shapes once per
// level, afterwards the counts alone. Squares come only where something was.
const isSquare = (cell) => cell.endsWith("m");

async function answerOf(wish) {
  if (isReleased(wish.layer)) return released(wish);
  if (shapes.get(wish.cell) && !isSquare(wish.cell))
    return get(`/api/v1/heat?${query(wish, { format: "json", beside: "panel" })}`);
  const answer = await get(`/api/v1/heat?${query(wish, { beside: "panel" })}`);
  shapes.set(
    wish.cell,
    answer.features.filter((feature) => feature.geometry),
  );
  return { cells: answer.features.map((feature) => feature.properties), panel: answer.panel };
}

// A released month brings the shapes that it was counted under.
async function released(wish) {
  const answer = await get(`/api/v1/heat?${queryOf(wish)}`);
  wish.answer = answer;
  shapes.set(wish.cell, answer.features);
  return { cells: answer.features.map((feature) => feature.properties), panel: null };
}

async function paint(wish) {
  const other = asked?.cell !== wish.cell || isReleased(asked?.layer) || isReleased(wish.layer);
  const fresh = other || isSquare(wish.cell);
  asked = wish;
  spots.forget(wish);
  const { cells, panel } = await answerOf(wish);
  if (fresh) draw(shapes.get(wish.cell));
  const valueOf = (cell) => (wish.per === "count" ? cell.n : cell.rate);
  const told = cells.filter((cell) => !cell.suppressed && valueOf(cell) != null);
  const scale = scaleOf(told.map(valueOf), wish.per);
  recolour(new Map(cells.map((cell) => [cell.cell, cell])), { scale, valueOf, per: wish.per });
  const unknown = wish.per !== "count" && cells.some((cell) => !cell.suppressed && valueOf(cell) == null);
  showLegend(byId("legend"), { scale, layer: wish.layer, per: wish.per, unknown });
  if (isReleased(wish.layer)) return month(wish, cells);
  dates();
  showPanel(wish, panel);
}

let placed = false;

function draw(features) {
  layer.clearLayers();
  layer.addData({ type: "FeatureCollection", features });
  if (!placed && features.length) {
    show(boxOf(features.map((feature) => feature.geometry)));
    placed = true;
  }
}

/** @type {CanvasPattern | null} */
let hatched = null;

function hatch() {
  if (!hatched) {
    const tile = document.createElement("canvas");
    tile.width = 8;
    tile.height = 8;
    const context = present(tile.getContext("2d"));
    context.fillStyle = colour("line");
    context.fillRect(0, 0, 8, 8);
    context.strokeStyle = colour("quiet");
    context.lineWidth = 1.6;
    for (const shift of [-8, 0, 8]) {
      context.moveTo(shift, 8);
      context.lineTo(shift + 8, 0);
    }
    context.stroke();
    hatched = context.createPattern(tile, "repeat");
  }
  return hatched;
}

/** @type {{cells: Map<string, any>, per: string} | null} */
let current = null;

function recolour(cells, { scale, valueOf, per }) {
  current = { cells, per };
  if (!tip.hidden) tellCell(tip.dataset.cell);
  layer.eachLayer((path) => {
    const cell = cells.get(path.feature.properties.cell);
    const value = cell && !cell.suppressed ? valueOf(cell) : null;
    const few = cell && (cell.suppressed || cell.n == null);
    const fillColor = few
      ? hatch()
      : value == null
        ? colour("ground")
        : colour(scale.classes[scale.classOf(value)].colour);
    path.setStyle({
      fillColor,
      fillOpacity: few ? 0.8 : 0.86,
      color: colour("halo"),
      weight: 1,
      opacity: 0.9,
      fill: true,
      stroke: true,
    });
  });
}

function month(wish, cells) {
  const { answer } = wish;
  const places = ["figures", "worst", "categories", "period", "dates", "updated"].map((id) => [id, byId(id)]);
  const about = { cells, month: answer.month, smallest: answer.smallest, at: answer.released_at };
  showReleased(Object.fromEntries(places), about);
  byId("export").href = `/api/v1/heat?${queryOf(wish)}`;
}

function showPanel(wish, { total, by_category: counts, communities }) {
  showFigures(byId("figures"), totals(total, wish.layer));
  showWorst(byId("worst"), communities);
  showCategories(byId("categories"), counts, names);
  categories(counts);
  byId("export").href = `/api/v1/heat?${query(wish)}`;
}

// Categories that occur are offered; the chosen one stays even when this period has none of it.
function categories(counts) {
  const select = controls.elements.category;
  const known = new Set([...select.options].map((option) => option.value));
  for (const code of Object.keys(counts ?? {}))
    if (!known.has(code)) select.add(new Option(names.get(code) ?? code, code));
}

function dates() {
  if (isReleased(controls.elements.layer.value)) return;
  const { since, until } = question();
  const shift = (date) => dayOf(date.getTime() - date.getTimezoneOffset() * 60_000);
  const words = { from: shift(since), to: shift(new Date(until.getTime() - DAY_MS)) };
  showPeriod(byId("period"), byId("dates"), byId("updated"), words);
  strip.window.setAttribute("aria-valuetext", `${words.from} — ${words.to}`);
}

async function curve() {
  const { layer: of, category } = question();
  const figures = await get(`/api/v1/figures?${figuresOf({ category, since: first, until: today })}`);
  const daily = figures.daily[of] ?? {};
  const values = Array.from({ length: DAYS }, (_, i) => daily[localDay(new Date(first.getTime() + i * DAY_MS))] ?? 0);
  strip.show(first, values);
  categories(figures.by_category[of]);
}

const localDay = (date) => dayOf(date.getTime() - date.getTimezoneOffset() * 60_000);

async function nameCategories() {
  const { categories: list } = await get("/api/v1/categories");
  names = new Map(list.map((category) => [category.code, category.name]));
}

const tip = byId("tip");
hideWithPointer(() => (tip.hidden = true));

// What is known of a cell now; the window in time may move while the pointer rests.
function tellCell(code) {
  const cell = current?.cells.get(code);
  tip.hidden = !cell;
  tip.dataset.cell = code;
  if (!current || !cell) return;
  fill(
    tip,
    el("b", {}, cell.name && cell.name !== cell.cell ? `${cell.name} ${cell.cell}` : cell.cell),
    wordsOf(cell, current.per),
  );
}

layer.on("mousemove", (event) => {
  tellCell(event.propagatedFrom.feature.properties.cell);
  if (tip.hidden) return;
  const size = map.getSize();
  tip.style.left = `${Math.min(event.containerPoint.x + 14, size.x - tip.offsetWidth - 6)}px`;
  tip.style.top = `${Math.min(event.containerPoint.y + 16, size.y - tip.offsetHeight - 6)}px`;
});
layer.on("mouseout", () => {
  tip.hidden = true;
});
layer.on("click", (event) => {
  const { cell } = event.propagatedFrom.feature.properties;
  if (asked?.cell === "grid") location.assign(`/grid/${encodeURIComponent(cell)}`);
});

controls.addEventListener("change", (event) => {
  if (event.target.name === "layer") {
    const select = controls.elements.category;
    select.length = 1;
  }
  // The curve is that of the layer and the category; the list beside it comes with the cells.
  if (event.target.name === "layer") offer(event.target.value);
  const exact = !isReleased(controls.elements.layer.value);
  if (exact && ["layer", "category"].includes(event.target.name)) learn(curve);
  if (event.target.name === "cell") onlyCounts(!exact || isSquare(event.target.value));
  soon();
});

// A square has no households and no past of its own: it is counted, nothing more.
function onlyCounts(only) {
  for (const option of controls.elements.per) option.disabled = only && option.value !== "count";
  if (only) controls.elements.per.value = "count";
}

// What can be asked of a layer: of a released one its months and the levels above the grid.
function offer(of) {
  const monthly = isReleased(of);
  fill(
    byId("month"),
    (months[of] ?? []).map((name) => new Option(name, name)),
  );
  byId("months").hidden = !monthly;
  byId("strip").hidden = monthly;
  controls.elements.category.disabled = monthly;
  for (const option of controls.elements.cell) option.disabled = monthly && !LEVELS.includes(option.value);
  if (monthly) controls.elements.cell.value = levelOf(controls.elements.cell.value);
  onlyCounts(monthly || isSquare(controls.elements.cell.value));
  byId("categories-title").textContent = t(monthly ? "heat.released_title" : "heat.by_category");
  // It asks at once, so everything else is settled before.
  if (monthly && strip.playing) strip.pause();
}

// A released layer is offered once one of its months was released.
async function learnMonths() {
  months = monthsOf((await get("/api/v1/releases")).releases);
  for (const option of controls.elements.layer)
    option.closest("label").hidden = isReleased(option.value) && !months[option.value];
}

byId("month").addEventListener("change", soon);
byId("span").addEventListener("change", (event) => strip.set(strip.end, Number(event.target.value)));
byId("play").addEventListener("click", () => (strip.playing ? strip.pause() : strip.play()));
byId("print").addEventListener("click", () => window.print());
new SearchBox({ chosen: goTo });

// What the page has to know beside the cells, until it was told; whatever fails is asked for again with the cells.
const unknown = new Set();

async function learn(...more) {
  for (const ask of more) unknown.add(ask);
  const answers = [...unknown].map((ask) => ask().then(() => unknown.delete(ask)));
  await Promise.all(answers).catch((problem) => say(problem));
}

async function again() {
  await learn();
  soon();
}

document.addEventListener("connection-back", again);
await Promise.all([learn(nameCategories, learnMonths), refresh()]);
learn(curve);
document.querySelector(".veil")?.remove();
byId("main").dataset.test = "ready";
