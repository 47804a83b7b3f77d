// The desk's API: one token a tab, JSON, and the event stream over fetch (EventSource cannot send a header).
const KEY = "fks-token";
const SILENT_MS = 45_000;

export class Unauthorized extends Error {}

export function takeTokenFromLink() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!given) return;
  setToken(given);
  history.replaceState(null, "", location.pathname);
}

export function setToken(token) { sessionStorage.setItem(KEY, token.trim()); }
export function hasToken() { return Boolean(sessionStorage.getItem(KEY)); }

async function call(path, options = {}) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}`, ...options.headers };
  const answer = await fetch(`/api/v1/${path}`, { ...options, headers, cache: "no-store" });
  if (answer.status === 401) throw new Unauthorized();
  return answer;
}

export async function get(path) {
  const answer = await call(path);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error?.message ?? answer.statusText);
  return content;
}

export async function post(path, body) {
  const answer = await call(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error?.message ?? answer.statusText);
  return content;
}

// Calls on(type, data) for every event until the stream breaks; throws Unauthorized, or returns when it ended.
export async function stream(on) {
  const stop = new AbortController();
  let watch;
  const heard = () => { clearTimeout(watch); watch = setTimeout(() => stop.abort(), SILENT_MS); };
  heard();
  try {
    const answer = await call("stream", { signal: stop.signal, headers: { Accept: "text/event-stream" } });
    if (!answer.ok) return;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const frames = (rest + value).split("\n\n");
      rest = frames.pop();
      for (const frame of frames) dispatch(frame, on);
    }
  } catch (fault) {
    if (fault instanceof Unauthorized) throw fault;
  } finally {
    clearTimeout(watch);
    stop.abort();
  }
}

function dispatch(frame, on) {
  let type = "message";
  let data = "";
  for (const line of frame.split("\n")) {
    if (line.startsWith("event: ")) type = line.slice(7);
    if (line.startsWith("data: ")) data += line.slice(6);
  }
  if (data) on(type, JSON.parse(data));
}
