// What a module of the pages asks of its page when it is loaded: the configuration object, here a small one. Given to
// node with --import, before any test.
const config = { lang: "en", datum: "gcj02", texts: { "planner.and": ", ", greeting: "Good morning, {name}" } };

globalThis.addEventListener ??= () => {};
globalThis.document = { getElementById: () => ({ textContent: JSON.stringify(config) }) };
