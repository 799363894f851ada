// Sending a file with its progress in figures, and watching a job until it is over.
import { call, ConnectionLost, Problem } from "../api.js";
import { config, t } from "../config.js";

const LOOK_MS = 400;

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

// The job when it is over; a lost connection is waited for: the work goes on without the page.
export async function watch(id, tell) {
  for (;;) {
    try {
      const { data } = await call("GET", `/api/v1/jobs/${id}`);
      tell(data);
      if (!["queued", "running"].includes(data.state)) return data;
    } catch (problem) {
      if (!(problem instanceof ConnectionLost) && problem.status !== 503) throw problem;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
