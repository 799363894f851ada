// Where keys mean what is typed and not the map: ticks and radios take no letters, and so leave them to the tools.
const TYPED = 'textarea, select, dialog, [contenteditable], input:not([type="checkbox"], [type="radio"])';

export const isTyped = (event) => Boolean(event.target.closest?.(TYPED));
