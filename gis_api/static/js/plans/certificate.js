// The certificate came with the page: what is left to do is to print it.
import { byId } from "../dom.js";
byId("print").addEventListener("click", () => window.print());
byId("main").dataset.test = "ready";
