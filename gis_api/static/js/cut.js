// Words that are cut for want of room are told in full under the pointer, and no longer once there is room.
const UP = 3;

document.addEventListener("pointerover", ({ target }) => {
  let at = target;
  for (let i = 0; i < UP && at instanceof HTMLElement; i += 1, at = at.parentElement) {
    if (getComputedStyle(at).textOverflow !== "ellipsis") continue;
    const cut = at.scrollWidth > at.clientWidth;
    if (cut && !at.title) {
      at.title = at.textContent.trim();
      at.dataset.cut = "";
    } else if (!cut && "cut" in at.dataset) {
      at.removeAttribute("title");
      delete at.dataset.cut;
    }
    return;
  }
});
