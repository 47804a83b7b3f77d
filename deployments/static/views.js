// State in, DOM out. Every text goes in as a text node: nothing that the desk says can become markup.
import { debateView, scoreParts, votesTable } from "./debate.js";
import { chip, h, track, word } from "./dom.js";
import { money, percent, price, quantity, signed, span, tone, when, whenInFull } from "./format.js";

const MODES = { paper: "PAPER", simulator: "SIMULATOR", sandbox: "SANDBOX", live: "LIVE TRADING" };

const put = (id, ...children) => document.getElementById(id).replaceChildren(...children);
const note = (id, text) => put(`${id}-note`, text);
const num = (text, extra = "") => h("td", { class: `num right ${extra}` }, text);

function clock(ms) {
  const [date, time] = when(ms).split(" ");
  return h("td", { class: "num muted", title: whenInFull(ms) }, h("span", { class: "date" }, `${date} `), time);
}

export function showStatus(status) {
  const { feed } = status;
  const badges = [];
  if (feed.simulated) badges.push(["simulated", "SIMULATED"]);
  if (feed.kind === "replay") badges.push(["replay", "REPLAY"]);
  if (feed.kind === "live" && !feed.simulated) badges.push(["live-feed", "LIVE DATA"]);
  badges.push([status.mode, MODES[status.mode] ?? status.mode.toUpperCase()]);
  put("badges", ...badges.map(([kind, text]) => h("span", { class: `badge ${kind}` }, text)));
  put("feed", [feed.label || feed.name, feed.ended ? "ended" : ""].filter(Boolean).join(" · "));
  document.getElementById("feed").title = feed.reason;
  for (const button of document.querySelectorAll("[data-state]")) {
    button.setAttribute("aria-pressed", String(button.dataset.state === status.trading.state));
  }
  const about = [`FKS Actors ${status.version}`, `run ${status.run_id}`, `${status.symbols.join(", ")}`];
  if (status.interval_ms) about.push(`${span(status.interval_ms)} bars`);
  if (status.desk.clock_ms) about.push(`desk time ${whenInFull(status.desk.clock_ms)}`);
  put("about", about.join(" · "));
  banner(troubles(status));
}

function troubles(status) {
  const { desk, trading } = status;
  if (!desk.reachable) return "The coordinator does not answer; what you see is what the journal holds.";
  if (desk.trouble) return `The desk pauses: ${desk.trouble}`;
  if (!desk.ready) return "The desk is starting.";
  if (!desk.lease_held) return "The desk does not hold the lease of its journal: it sends no order.";
  if (status.quality.paused) return `Nothing is bought: ${status.quality.reason}`;
  const lost = status.venues.filter((venue) => !venue.answers);
  if (lost.length) return lost.map((venue) => `${venue.venue}: ${venue.trouble}`).join(" · ");
  if (trading.state === "active") return "";
  const said = trading.state === "halted" ? "Trading is halted" : "Only orders that lower exposure are sent";
  return `${said} (${trading.by}${trading.reason ? `: ${trading.reason}` : ""}).`;
}

export function banner(text) {
  const element = document.getElementById("banner");
  element.hidden = !text;
  if (element.textContent !== text) element.textContent = text;
}

export function showAccount(account) {
  if (!account) return;
  const share = Number(account.equity) ? Number(account.exposure) / Number(account.equity) : 0;
  const rows = [
    [`Equity, ${account.currency || "quote"}`, money(account.equity), "", `peak ${money(account.peak_equity)}`],
    ["Day P&L", signed(account.day_pnl), tone(account.day_pnl), "since 00:00 UTC"],
    ["Unrealised", signed(account.unrealised), tone(account.unrealised), "at last close"],
    ["Realised", signed(account.realised), tone(account.realised), "net of fees"],
    ["Exposure", money(account.exposure), "", `${percent(share)} of equity`],
    ["Cash", money(account.cash), "", Number(account.reserved) ? `${money(account.reserved)} reserved` : "none reserved"],
    ["Drawdown", percent(account.drawdown), Number(account.drawdown) > 0.1 ? "down" : "", "from the peak"],
    ["Fees", money(account.fees), "", "paid so far"],
  ];
  put("kpis", ...rows.map(([name, value, kind, under]) => h(
    "div", { class: "kpi" }, h("dt", {}, name), h("dd", { class: `num ${kind}` }, value), h("small", {}, under),
  )));
  document.title = `${money(account.equity)} · FKS Actors`;
}

function table(id, heads, rows, empty) {
  if (!rows.length) return put(id, h("tbody", {}, h("tr", {}, h("td", { class: "empty" }, empty))));
  const head = heads.map(([text, kind]) => h("th", { scope: "col", class: kind }, text));
  return put(id, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
}

export function showPositions(positions) {
  note("positions", positions.length ? `${positions.length} open` : "flat");
  const rows = positions.map((p) => h(
    "tr", {}, h("td", {}, p.symbol, h("small", { class: "num" }, quantity(p.quantity))), num(price(p.entry_price)),
    num(price(p.mark)), num(money(p.value), "wide"), num(signed(p.unrealised), tone(p.unrealised)),
  ));
  const heads = [["Symbol, quantity"], ["Entry", "right"], ["Mark", "right"], ["Value", "right wide"], ["P&L", "right"]];
  table("positions", heads, rows, "No open positions.");
}

export function showAgents(agents) {
  if (!agents) return note("agents", "unknown: the coordinator does not answer");
  const up = agents.filter((agent) => agent.up).length;
  note("agents", `${up} of ${agents.length} up`);
  return put("agents", ...agents.map((agent) => h(
    "li", { class: `agent ${agent.up ? "on" : "off"}`, title: `${agent.restarts} restarts${agent.pid ? `; process ${agent.pid} on ${agent.node}` : ""}` },
    h("span", { class: "dot", "aria-hidden": "true" }), h("span", {}, word(agent.name)),
    h("small", {}, [agent.state, agent.restarts ? `↻ ${agent.restarts}` : ""].filter(Boolean).join(" ")),
  )));
}

export function decisionCard(d, open) {
  const { verdict } = d;
  const strength = h(
    "span", { class: `strength ${verdict.leaning}`, title: `strength ${verdict.strength.toFixed(3)}, needs ${verdict.threshold}` },
    track(verdict.strength, verdict.threshold), h("span", { class: "num" }, verdict.strength.toFixed(2)),
  );
  const minis = d.votes.map((v) => h("span", { class: `chip ${v.action}`, title: word(v.agent) }, `${v.agent[0].toUpperCase()} ${v.action}`));
  if (d.debate) minis.unshift(h("span", { class: "chip debated", title: d.debate.triggers.map(word).join(", ") }, "debated"));
  const facts = [
    `net ${verdict.net.toFixed(2)}, strength ${verdict.strength.toFixed(2)} of ${verdict.threshold.toFixed(2)} needed`,
    verdict.action === verdict.leaning ? "" : `leans ${verdict.leaning}`, d.flags.join(", "), d.note,
    d.client_order_id ? `order ${d.client_order_id}` : "",
  ].filter(Boolean).join(" · ");
  const card = h(
    "details", { "data-id": d.decision_id },
    h(
      "summary", {}, h("span", { class: "num muted", title: whenInFull(d.close_ms) }, when(d.close_ms)), h("strong", {}, d.symbol),
      h("span", { class: "num right wide" }, price(d.price)), h("span", {}, chip(verdict.action)), strength,
      h("span", { class: "minis" }, ...minis), chip(d.outcome),
    ),
    h(
      "div", { class: "body" }, votesTable(d.votes), ...scoreParts(verdict), ...debateView(d.debate),
      ...d.refusals.map((r) => h("p", { class: "refusal" }, `${r.message}: ${r.value} against ${r.limit} (${r.code})`)),
      h("p", { class: "meta" }, facts),
    ),
  );
  card.open = open;
  return card;
}

function terms(o) {
  return [
    o.limit_price ? `limit ${price(o.limit_price)}` : "", o.stop_price ? `at ${price(o.stop_price)}` : "",
    o.trail_pct ? `trail ${quantity(o.trail_pct)} %` : "", o.display_quantity ? `shows ${quantity(o.display_quantity)}` : "",
    o.duration_ms ? `${o.slices ? `${o.slices} × ` : ""}in ${span(o.duration_ms)}` : "",
  ].filter(Boolean);
}

const under = (...texts) => texts.filter(Boolean).map((text) => h("small", {}, text));

export function showOrders(orders) {
  note("orders", orders.length ? "newest first" : "");
  const rows = orders.map((o) => h(
    "tr", { title: [o.client_order_id, o.reason].filter(Boolean).join(": ") }, clock(o.created_ms),
    h("td", { class: "fold" }, o.symbol, h("small", {}, `${o.venue} · ${word(o.origin)}`), ...(o.reason ? [h("small", {}, o.reason)] : [])),
    h("td", {}, chip(o.side), h("small", {}, `${word(o.order_type)}${o.oco_id ? " · pair" : ""}`)),
    h("td", { class: "num right" }, quantity(o.quantity), ...under(...terms(o))),
    h("td", { class: "right" }, chip(o.status), ...under(Number(o.filled_quantity) && o.status !== "filled" ? `${quantity(o.filled_quantity)} filled` : "")),
  ));
  const heads = [["Time"], ["Symbol"], ["Side"], ["Quantity", "right"], ["Status", "right"]];
  table("orders", heads, rows, "No orders yet.");
}

export function showFills(fills) {
  note("fills", fills.length ? "newest first" : "");
  const rows = fills.map((f) => h(
    "tr", { title: `${f.trade_id} of ${f.client_order_id}` }, clock(f.ts_ms), h("td", {}, f.symbol),
    h("td", {}, chip(f.side)), num(quantity(f.quantity)), num(price(f.price)), num(money(f.fee), "wide"),
  ));
  table("fills", [["Time"], ["Symbol"], ["Side"], ["Quantity", "right"], ["Price", "right"], ["Fee", "right wide"]], rows, "No fills yet.");
}

export function showEquityNote(point) {
  if (point) note("equity", `${money(point.equity)} at ${whenInFull(point.ts_ms)}`);
}

const signedPercent = (ratio) => `${signed(Number(ratio) * 100)} %`;

// What the desk did not do: paper portfolios over the same bars. Nothing shows where nobody keeps any.
export function showShadows(told) {
  document.getElementById("shadows-panel").hidden = !told.items.length;
  note("shadows", [
    "same bars, nothing of it is traded", told.trouble ? `paused: ${told.trouble}` : "",
    told.clock_ms ? `${told.behind ? "catching up, " : ""}at ${whenInFull(told.clock_ms)}` : "",
  ].filter(Boolean).join(" · "));
  const rows = told.items.map((s) => {
    const name = h("td", { class: "fold", title: s.begin_ms ? `since ${whenInFull(s.begin_ms)}` : "" }, word(s.name), ...under(
      s.trouble || s.label, s.left_out.length ? `without ${s.left_out.map(word).join(", ")}` : "",
    ));
    if (s.equity === null) return h("tr", {}, name, h("td", { class: "right", colspan: "5" }, s.trouble ? chip("stopped") : "no bar yet"));
    return h(
      "tr", {}, name, num(money(s.equity)), num(signedPercent(s.gained), tone(s.gained)), num(percent(s.drawdown), "wide"),
      num(String(s.orders), "wide"), num(s.difference === null ? "–" : signedPercent(s.difference), s.difference > 0 ? "ahead" : ""),
    );
  });
  const heads = [["Shadow"], ["Equity", "right"], ["Return", "right"], ["Drawdown", "right wide"], ["Orders", "right wide"], ["vs desk", "right"]];
  table("shadows", heads, rows, "No shadows.");
  const said = told.tests.filter((t) => t.against === "twin" || t.standing === "better" || t.standing === "worse");
  put("shadow-tests", ...said.map((t) => h("li", {}, t.told)));
}

export { note, put };
