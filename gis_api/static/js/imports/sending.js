// Sending a file with its progress in figures.
import { ConnectionLost, Problem } from "../api.js";
import { config, t } from "../config.js";

// The job that a form started; `tell` hears the share of the file that has been sent.
export function send(path, form, tell) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Accept-Language", config.lang);
    request.upload.addEventListener("progress", (event) => event.lengthComputable && tell(event.loaded / event.total));
    request.addEventListener("error", () => reject(new ConnectionLost(t("frame.lost"))));
    request.addEventListener("load", () => {
      const body = parsed(request.responseText);
      if (request.status === 202) resolve(body);
      else reject(new Problem(request.status, body));
    });
    request.send(form);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
