// Whether the page is used by finger: there is no Enter, no Alt and no right button then, and hints speak of none.
let touched = matchMedia("(pointer: coarse)").matches;

document.addEventListener(
  "pointerdown",
  ({ pointerType }) => {
    touched = pointerType === "touch";
  },
  { capture: true },
);

export const byTouch = () => touched;
