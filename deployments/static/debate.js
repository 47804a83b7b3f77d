// One decision in full: the votes and what they weighed, the parts of the score, and what the models said of it.
import { chip, h, track, word } from "./dom.js";
import { signedScore, span, usd } from "./format.js";

const FIRST = ["debate", "asmbtr", "sentiment", "models", "final"];
const MEANS = {
  debate: "the votes, each by confidence and weight", asmbtr: "the state model", sentiment: "the news",
  models: "how far the debate moved it", final: "acts where it reaches a mark",
};

function voteRow(vote, heaviest) {
  const sure = vote.confidence === null
    ? h("td", { class: "muted" }, word(vote.abstained))
    : h("td", {}, h("span", { class: `conf ${vote.action}` }, track(vote.confidence), h("span", { class: "num" }, vote.confidence.toFixed(2))));
  const weight = vote.weight === null
    ? h("td", { class: "muted" }, "–")
    : h("td", {}, h("span", { class: "conf weight" }, track(heaviest ? vote.weight / heaviest : 0), h("span", { class: "num" }, vote.weight.toFixed(2))));
  const numbers = Object.entries(vote.facts).map(([name, value]) => `${name} ${Number(value.toPrecision(6))}`).join(" · ");
  return h(
    "tr", {}, h("td", {}, word(vote.agent)), h("td", {}, chip(vote.action)), sure, weight,
    h("td", { class: "why", title: numbers }, vote.reason || "–"),
  );
}

export function votesTable(votes) {
  const heaviest = Math.max(0, ...votes.map((vote) => vote.weight ?? 0));
  const heads = ["Mind", "Vote", "Confidence", "Weight", "Reason"].map((name) => h("th", { scope: "col" }, name));
  return h(
    "table", { class: "votes" }, h("thead", {}, h("tr", {}, ...heads)),
    h("tbody", {}, ...votes.map((vote) => voteRow(vote, heaviest))),
  );
}

function scoreRow(name, score, threshold) {
  const bar = h("span", { class: `swing ${score < 0 ? "sell" : "buy"}`, "aria-hidden": "true" }, h("i"));
  bar.style.setProperty("--size", String(Math.min(1, Math.abs(score))));
  if (name === "final") {
    bar.style.setProperty("--threshold", String(threshold));
    bar.append(h("b", { class: "low" }), h("b", { class: "high" }));
  }
  return h(
    "div", { class: `part part-${name}` }, h("span", { title: MEANS[name] }, word(name)), bar, h("span", { class: "num right" }, signedScore(score)),
  );
}

export function scoreParts(verdict) {
  const known = FIRST.filter((name) => name in verdict.scores);
  if (!known.length) return [];
  const title = `The score, from −1 (sell) to 1 (buy); ${verdict.threshold.toFixed(2)} acts`;
  return [h("div", { class: "parts", role: "group", "aria-label": title, title }, ...known.map((name) => scoreRow(name, verdict.scores[name], verdict.threshold)))];
}

function turnMeta(call) {
  const by = [call.provider, call.model].filter(Boolean).join(" / ");
  const tokens = call.tokens_in + call.tokens_out ? `${call.tokens_in} + ${call.tokens_out} tokens` : "";
  const outcome = call.outcome === "answered" ? "" : word(call.outcome);
  return [by, call.prompt, outcome, tokens, usd(call.cost_usd), seconds(call.latency_ms)].filter(Boolean).join(" · ");
}

const seconds = (ms) => (ms ? `${(ms / 1000).toFixed(2)} s` : span(0));

function turnBox(turn, rounds) {
  const round = rounds > 1 && turn.role !== "judge" ? `round ${turn.round}` : "";
  const head = [h("strong", {}, word(turn.role)), h("small", {}, round)];
  head.push(h("span", { class: "num" }, turn.score === null ? "no answer" : signedScore(turn.score)));
  const said = turn.score === null && !turn.text ? turn.call.detail || word(turn.call.outcome) : turn.text;
  const cites = turn.cites.length ? [h("p", { class: "cites" }, `rests on ${turn.cites.join(", ")}`)] : [];
  return h(
    "li", { class: `turn ${turn.role}${turn.score === null ? " silent" : ""}` }, h("header", {}, ...head),
    h("p", { class: "said" }, said), ...cites, h("small", { class: "call" }, turnMeta(turn.call)),
  );
}

export function debateView(debate) {
  if (!debate) return [];
  const rounds = Math.max(0, ...debate.turns.map((turn) => turn.round));
  const judged = debate.judged === null ? "no judgement, the score stays" : `judged ${signedScore(debate.judged)}`;
  const moved = `${signedScore(debate.before)} → ${judged} → ${signedScore(debate.after)}`;
  return [h(
    "section", { class: "debate", "aria-label": "Debate" },
    h(
      "header", {}, h("strong", {}, "Debate"), ...debate.triggers.map((why) => h("span", { class: "chip" }, word(why))),
      h("span", { class: "num" }, moved), h("small", {}, `${usd(debate.cost_usd)} · ${seconds(debate.duration_ms)}`),
    ),
    h("ol", { class: "turns" }, ...debate.turns.map((turn) => turnBox(turn, rounds))),
  )];
}
