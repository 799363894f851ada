// Long work of the service, watched until it is over; a lost connection is waited for: the work goes on without the
// page.
import { call, ConnectionLost } from "../api.js";

const LOOK_MS = 400;

/**
 * The job when it is over, null where nobody wants it any more; `tell` hears how far it is.
 * @param {string} id
 * @param {(job: any) => void} tell
 * @param {() => boolean} [wanted]
 */
export async function watch(id, tell, wanted = () => true) {
  while (wanted()) {
    try {
      const { data } = await call("GET", `/api/v1/jobs/${id}`);
      if (!wanted()) return null;
      tell(data);
      if (!["queued", "running"].includes(data.state)) return data;
    } catch (problem) {
      if (!(problem instanceof ConnectionLost) && problem.status !== 503) throw problem;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return null;
}
