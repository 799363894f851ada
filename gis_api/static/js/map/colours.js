// The colours of css/colours.css, and the face of the page, for scripts that paint on a canvas.
const style = getComputedStyle(document.documentElement);

export const colour = (name) => style.getPropertyValue(`--${name}`).trim();

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
