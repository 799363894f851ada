// The conditions of the standard sheet to choose from: typed words find one, what is sent is its code.
import { get } from "../api.js";
import { el } from "../dom.js";

const known = new Map();

/** @type {(version: number | null) => Promise<any[]>} */
async function subClassesOf(version) {
  const path = `/api/v1/standards${version ? `?version=${version}` : ""}`;
  if (!known.has(path))
    known.set(
      path,
      get(path).catch(() => ({ sub_classes: [] })),
    );
  return (await known.get(path)).sub_classes;
}

// An input with the conditions of a version (the newest without one) as its suggestions.
/** @type {(about: { version?: number | null, required?: boolean }) => Promise<HTMLElement | null>} */
export async function conditionInput({ version = null, required = false }) {
  const subClasses = await subClassesOf(version);
  if (!subClasses.length && !required) return null;
  const options = subClasses.flatMap((one) =>
    one.conditions.map(({ code, case: words, limit }) =>
      el("option", { value: code }, `${one.name} · ${words} · ${limit.text}`),
    ),
  );
  const id = `conditions-${version ?? "newest"}`;
  const input = {
    name: "condition",
    list: id,
    maxlength: "60",
    autocomplete: "off",
    required,
    "data-test": "condition",
  };
  return el("span", {}, el("input", input), el("datalist", { id }, options));
}
