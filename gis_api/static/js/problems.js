// What can go wrong with a request: a refusal with its place and reason, or no answer at all.

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
    this.code = (body.type || "").split(":").pop();
    this.title = body.title || "";
    this.where = body.where || null;
    this.errors = body.errors || [];
    this.body = body;
  }
}

export class ConnectionLost extends Error {}

const AWAY = new Set([401, 429, 502, 503, 504]);

// Whether a request may have been lost, so that it is worth sending again.
export function isLost(problem) {
  return problem instanceof ConnectionLost || (problem instanceof Problem && AWAY.has(problem.status));
}
