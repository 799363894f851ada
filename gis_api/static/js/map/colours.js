// The colours of css/colours.css, and the face of the page, for scripts that paint on a canvas.
const style = getComputedStyle(document.documentElement);

// Asked for by the thousand while a map is painted, and read anew when the theme changes.
const known = new Map();
for (const theme of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "print"])
  globalThis.matchMedia?.(theme).addEventListener("change", () => known.clear());

export function colour(name) {
  const told = known.get(name) ?? style.getPropertyValue(`--${name}`).trim();
  known.set(name, told);
  return told;
}

// The same colour with an opacity between 0 and 1; colours of the table are #rrggbb.
export function faint(name, opacity) {
  return (
    colour(name) +
    Math.round(opacity * 255)
      .toString(16)
      .padStart(2, "0")
  );
}

// Two Latin faces in one page look like two pages.
export const FACE = getComputedStyle(document.body).fontFamily;
