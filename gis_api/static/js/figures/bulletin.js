// The bulletin of a month: asked for, watched while it is made, and found again after the page was left.
import { call, get } from "../api.js";
import { number, t } from "../config.js";
import { el, failureBox, fill } from "../dom.js";
import { watch } from "../parts/jobs.js";

const FORMS = ["pdf", "xlsx"];

// The month of a period: the one that it lies in or begins in.
export const monthOf = (period, first) => (period.length === 7 && !period.includes("W") ? period : first.slice(0, 7));

/** @type {(box: HTMLElement, asked: () => { month: string, area: string }) => Promise<void>} */
export async function offerBulletin(box, asked) {
  const { jobs } = await get("/api/v1/jobs?kind=bulletin");
  const latest = jobs[0];
  if (latest && ["queued", "running"].includes(latest.state)) follow(box, asked, latest);
  else offer(box, asked, latest?.state === "done" ? ready(latest, latest.asked.month) : null);
}

function offer(box, asked, told = null) {
  const begin = async () => {
    button.disabled = true;
    const { month, area } = asked();
    try {
      const { data } = await call("POST", "/api/v1/evaluation/bulletins", { body: area ? { month, area } : { month } });
      follow(box, asked, data);
    } catch (problem) {
      fill(
        box,
        failureBox(problem, () => offer(box, asked)),
      );
    }
  };
  const button = el(
    "button",
    { type: "button", "data-test": "figures-bulletin", onclick: begin },
    t("evaluation.bulletin_make"),
  );
  fill(box, told, button);
}

async function follow(box, asked, job) {
  const words = el("span", { role: "status", "data-test": "figures-bulletin-state" });
  const call_off = () => call("DELETE", `/api/v1/jobs/${job.id}`).catch(() => null);
  fill(
    box,
    words,
    el("button", { type: "button", class: "small", onclick: call_off }, t("evaluation.bulletin_cancel")),
  );
  const { month } = job.asked;
  const tell = ({ message, progress }) => {
    words.textContent = t("evaluation.bulletin_going", { month, message, share: number(Math.round(progress * 100)) });
  };
  try {
    const over = await watch(job.id, tell);
    offer(box, asked, over?.state === "done" ? ready(over, month) : el("span", { class: "bad" }, over?.message ?? ""));
  } catch (problem) {
    fill(
      box,
      failureBox(problem, () => offerBulletin(box, asked)),
    );
  }
}

const ready = ({ id }, month) =>
  el("span", { role: "status", "data-test": "figures-bulletin-ready" }, t("evaluation.bulletin_ready", { month }), [
    ...FORMS.map((form) => [
      " ",
      el("a", { href: `/api/v1/jobs/${id}/papers/${form}`, download: "", "data-form": form }, form.toUpperCase()),
    ]),
  ]);
