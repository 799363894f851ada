// The conditions of the standard sheet to choose from: typed words find one, what is sent is its code.
import { untilThere } from "../again.js";
import { get } from "../api.js";
import { el } from "../dom.js";

const known = new Map();

/** @type {(version: number | null) => Promise<any[]>} */
async function subClassesOf(version) {
  const path = `/api/v1/standards${version ? `?version=${version}` : ""}`;
  if (!known.has(path))
    known.set(
      path,
      untilThere(() => get(path)).catch(() => ({ sub_classes: [] })),
    );
  return (await known.get(path)).sub_classes;
}

// An input with the conditions of a version (the newest without one) as its suggestions. One that must be filled in is
// there at once and gets its suggestions when they come; another one comes with them, or not at all.
/** @type {(about: { version?: number | null, required?: boolean }) => Promise<HTMLElement | null>} */
export async function conditionInput({ version = null, required = false }) {
  const id = `conditions-${version ?? "newest"}`;
  const list = el("datalist", { id });
  const some = subClassesOf(version).then((subClasses) => {
    list.append(...subClasses.flatMap(optionsOf));
    return subClasses.length > 0;
  });
  if (!required && !(await some)) return null;
  const input = {
    name: "condition",
    list: id,
    maxlength: "60",
    autocomplete: "off",
    required,
    "data-test": "condition",
  };
  return el("span", {}, el("input", input), list);
}

const optionsOf = ({ name, conditions }) =>
  conditions.map(({ code, case: words, limit }) => el("option", { value: code }, `${name} · ${words} · ${limit.text}`));
