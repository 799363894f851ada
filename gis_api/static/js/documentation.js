// Swagger UI on the service's own description; it asks nobody else, not even a validator.
import { config } from "./config.js";

window.SwaggerUIBundle({
  url: config.openapi,
  dom_id: "#documentation",
  deepLinking: true,
  validatorUrl: null,
  withCredentials: true,
  onComplete: () => document.getElementById("main")?.setAttribute("data-test", "ready"),
});
