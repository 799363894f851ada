// Three proposals beside each other: a small map, figures beside today's, what could not be had and the ways out of it.
import { t } from "../../config.js";
import { el } from "../../dom.js";
import { areAlike, isEstimated, rowsOf, sortedRemarks } from "./figures.js";
import { pictureOf } from "./picture.js";
import { figureInWords, remarkRows } from "./words.js";

// `act` has {look(profile), apply(profile), locate(profile, remark), ways, comments(profile)}; whatever is done with a
// proposal closes the dialog first.
export function openComparison({ proposals, today, households }, { title, tolerance, act }) {
  const { common, own } = sortedRemarks(proposals);
  const about = { households, estimated: isEstimated(common) };
  const rows = rowsOf(proposals, today);
  const dialog = el("dialog", { class: "comparison", "data-test": "divide-compare", "aria-label": title });
  const leave = (then) => (given) => {
    dialog.close();
    then(given);
  };
  const ways = Object.fromEntries(Object.entries(act.ways).map(([name, way]) => [name, leave(way)]));
  const cards = proposals.map((proposal, i) => {
    const { profile } = proposal;
    const remarks = remarkRows(own[i], { look: leave((remark) => act.locate(profile, remark)), ways });
    return card(proposal, {
      picture: pictureOf(proposal, { tolerance, words: t("divide.map_of", { name: nameOf(profile) }) }),
      figures: figuresTable(rows, i, about),
      remarks,
      comments: act.comments(profile),
      look: leave(() => act.look(profile)),
      apply: leave(() => act.apply(profile)),
    });
  });
  const close = { type: "button", "data-test": "compare-close", onclick: () => dialog.close() };
  dialog.append(
    el("header", {}, el("h2", {}, title), el("button", close, t("frame.close"))),
    areAlike(proposals) ? el("p", { class: "message", "data-test": "divide-alike" }, t("divide.alike")) : "",
    el("ul", { class: "remarks" }, remarkRows(common, { look: null, ways })),
    legend(),
    el("div", { class: "proposals" }, cards),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function card({ profile }, { picture, figures, remarks, comments, look, apply }) {
  const looking = { type: "button", "data-test": `look-${profile}`, onclick: look };
  const applying = { type: "button", class: "main", "data-test": `apply-${profile}`, onclick: apply };
  return el(
    "section",
    { class: "proposal", "data-test": `proposal-${profile}`, "aria-label": nameOf(profile) },
    el("h3", {}, nameOf(profile)),
    el("p", { class: "quiet" }, t(`divide.profile_${profile}_about`)),
    picture,
    figures,
    el("div", { class: "actions" }, el("button", looking, t("divide.look")), el("button", applying, t("divide.apply"))),
    el("ul", { class: "remarks" }, remarks),
    comments,
  );
}

export const nameOf = (profile) => t(`divide.profile_${profile}`);

// The figures of one proposal beside today's; what is best among the proposals says so in words.
export function figuresTable(rows, i, about) {
  return el(
    "table",
    { class: "division-figures" },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", {}),
        el("th", { class: "number" }, t("divide.today")),
        el("th", { class: "number" }, t("divide.proposed")),
      ),
    ),
    el(
      "tbody",
      {},
      rows.map(({ name, today, values, best }) =>
        el(
          "tr",
          { "data-figure": name, class: best.includes(i) ? "best" : "" },
          el("td", {}, t(`divide.row_${name}`)),
          el("td", { class: "number quiet" }, figureInWords(name, today, about)),
          el(
            "td",
            { class: "number" },
            figureInWords(name, values[i], about),
            best.includes(i) ? el("span", { class: "mark" }, t("divide.best")) : null,
          ),
        ),
      ),
    ),
  );
}

function legend() {
  const kinds = ["within", "above", "below", "oversize", "dedicated", "cut_off"];
  return el(
    "ul",
    { class: "division-legend quiet" },
    kinds.map((kind) => el("li", {}, el("i", { class: kind, "aria-hidden": "true" }), t(`divide.kind_${kind}`))),
  );
}
