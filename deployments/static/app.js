// The dashboard: read the lists once the stream has begun, then apply its events; do both again after a break.
import { get, hasToken, post, setToken, stream, takeTokenFromLink, Unauthorized } from "./api.js";
import { EquityChart } from "./chart.js";
import {
  banner, decisionCard, note, put, showAccount, showAgents, showEquityNote, showFills, showOrders, showPositions,
  showShadows, showStatus,
} from "./views.js";

const SHOWN = 30;
const SHADOWS_MS = 5000;
const OPEN = matchMedia("(max-width: 640px)").matches ? 2 : 4;
const chart = new EquityChart(document.getElementById("chart"));
const state = { decisions: new Map(), orders: new Map(), fills: new Map() };
let waiting = null;
let live = false;

const KEYS = { decision: "decision_id", order: "client_order_id", fill: "trade_id" };
const LISTS = { decision: "decisions", order: "orders", fill: "fills" };
const AGES = { decision: "close_ms", order: "created_ms", fill: "ts_ms" };

function keep(kind, rows) {
  const list = state[LISTS[kind]];
  for (const row of rows) list.set(row[KEYS[kind]], row);
  const newest = [...list.values()].sort((a, b) => b[AGES[kind]] - a[AGES[kind]]).slice(0, SHOWN);
  state[LISTS[kind]] = new Map(newest.map((row) => [row[KEYS[kind]], row]));
  return newest;
}

function showDecisions(rows, freshId) {
  const box = document.getElementById("decisions");
  const before = new Map([...box.querySelectorAll("details")].map((card) => [card.dataset.id, card]));
  const cards = rows.map((row, index) => {
    const known = before.get(row.decision_id);
    if (known) {
      if (!known.touched) known.open = index < OPEN;
      return known;
    }
    const card = decisionCard(row, index < OPEN);
    card.querySelector("summary").addEventListener("click", () => { card.touched = true; });
    if (row.decision_id === freshId) card.classList.add("fresh");
    return card;
  });
  const same = cards.length === box.childElementCount && cards.every((card, index) => box.children[index] === card);
  if (!same) box.replaceChildren(...cards);
  if (!rows.length) put("decisions", Object.assign(document.createElement("p"), { className: "empty", textContent: "No decisions yet." }));
  note("decisions", rows.length ? "newest first, each with every vote" : "");
}

const SHOW = { decision: showDecisions, order: showOrders, fill: showFills };

function connection(kind, text) {
  const line = document.getElementById("link");
  line.className = `link ${kind}`;
  live = kind === "on";
  if (document.getElementById("link-text").textContent !== text) put("link-text", text);
}

// Shadows are not streamed. While the stream is down they are not asked for: it tells of the trouble.
const readShadows = () => get("shadows").then(showShadows).catch(() => {});
setInterval(() => { if (live && !document.hidden) void readShadows(); }, SHADOWS_MS);

async function readLists() {
  const [decisions, orders, fills, equity] = await Promise.all([
    get(`decisions?limit=${SHOWN}`), get(`orders?limit=${SHOWN}`), get(`trades?limit=${SHOWN}`), get("equity?points=1000"),
  ]);
  showDecisions(keep("decision", decisions.items));
  showOrders(keep("order", orders.items));
  showFills(keep("fill", fills.items));
  chart.replace(equity);
  showEquityNote(equity.at(-1));
}

function showAll(whole) {
  if (whole.error) {
    banner(`The desk cannot be read: ${whole.error.message}.`);
    return;
  }
  showStatus(whole.status);
  showAccount(whole.account);
  showPositions(whole.positions);
  showAgents(whole.agents);
}

function apply(type, data) {
  if (type === "status") showAll(data);
  else if (type === "equity") {
    chart.add(data);
    showEquityNote(data);
  } else if (type in SHOW) SHOW[type](keep(type, [data]), data.decision_id);
}

// The first status says that nothing is missed from now on: read the lists then, and hold events back until they are in.
function begin() {
  let held = null;
  return (type, data) => {
    if (held) return void held.push([type, data]);
    apply(type, data);
    if (type !== "status" || held === false) return undefined;
    held = [];
    connection("on", "live");
    void readShadows();
    return void readLists().catch(() => banner("The journal's lists cannot be read.")).finally(() => {
      const late = held;
      held = false;
      for (const [kind, content] of late) apply(kind, content);
    });
  };
}

async function run() {
  for (let failures = 0; ; failures += 1) {
    if (!hasToken()) await askToken(false);
    const began = Date.now();
    try {
      await stream(begin());
    } catch (fault) {
      if (!(fault instanceof Unauthorized)) throw fault;
      await askToken(true);
      continue;
    }
    if (Date.now() - began > 10_000) failures = 0;
    connection("off", "reconnecting");
    await new Promise((resolve) => { setTimeout(resolve, Math.min(10_000, 500 * 2 ** failures)); });
  }
}

function askToken(wrong) {
  const dialog = document.getElementById("token-dialog");
  document.getElementById("token-fault").hidden = !wrong;
  connection("off", "needs a token");
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => { waiting = resolve; });
}

document.getElementById("token-dialog").addEventListener("cancel", (event) => event.preventDefault());
document.getElementById("token-form").addEventListener("submit", () => {
  const field = document.getElementById("token");
  setToken(field.value);
  field.value = "";
  connection("", "connecting");
  waiting?.();
});

const MEANS = {
  active: "Trade normally again.",
  reducing: "Send only orders that lower exposure.",
  halted: "Send no orders at all. Open positions stay as they are.",
};
const controls = document.getElementById("control-dialog");
for (const button of document.querySelectorAll("[data-state]")) {
  button.addEventListener("click", () => {
    controls.dataset.state = button.dataset.state;
    controls.dataset.id = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    put("control-what", MEANS[button.dataset.state]);
    put("control-go", button.textContent);
    document.getElementById("control-fault").hidden = true;
    controls.showModal();
    document.getElementById("reason").focus();
  });
}
document.getElementById("control-cancel").addEventListener("click", () => controls.close());
document.getElementById("control-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const reason = document.getElementById("reason").value.trim();
  try {
    await post("control", { state: controls.dataset.state, reason, id: controls.dataset.id });
    controls.close();
    for (const button of document.querySelectorAll("[data-state]")) {
      button.setAttribute("aria-pressed", String(button.dataset.state === controls.dataset.state));
    }
  } catch (fault) {
    const line = document.getElementById("control-fault");
    line.textContent = fault.message || "The desk did not accept the change.";
    line.hidden = false;
  }
});

takeTokenFromLink();
void run();
