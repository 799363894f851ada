// The certificate came with the page: what is left to do is to print it.
document.getElementById("print").addEventListener("click", () => window.print());
document.getElementById("main").dataset.test = "ready";
