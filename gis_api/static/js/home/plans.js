// The plans of the reader's districts.
import { showPlans } from "../planner/plans.js";

export async function show(body) {
  body.classList.add("answer");
  await showPlans(body);
}
