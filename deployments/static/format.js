// Numbers and times for people. Times are UTC: the desk's clock, which a simulated or replayed market sets.
const figures = new Map();

function figure(least, most) {
  const key = `${least}/${most}`;
  if (!figures.has(key)) {
    figures.set(key, new Intl.NumberFormat("en-GB", { minimumFractionDigits: least, maximumFractionDigits: most }));
  }
  return figures.get(key);
}

export function money(text) { return text === null || text === undefined ? "–" : figure(2, 2).format(Number(text)); }

export function price(text) {
  if (text === null || text === undefined) return "–";
  const value = Number(text);
  return figure(2, Math.abs(value) >= 100 ? 2 : Math.abs(value) >= 1 ? 4 : 8).format(value);
}

export function quantity(text) { return figure(0, 8).format(Number(text)); }
export function percent(ratio) { return `${figure(2, 2).format(Number(ratio) * 100)} %`; }

export function signed(text) {
  const value = Number(text);
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${figure(2, 2).format(Math.abs(value))}`;
}

export function signedScore(score) { return `${score > 0 ? "+" : score < 0 ? "−" : "±"}${Math.abs(score).toFixed(2)}`; }
export function usd(text) { return `$${figure(0, 6).format(Number(text))}`; }

export function tone(text) {
  const value = Number(text);
  return value > 0 ? "up" : value < 0 ? "down" : "";
}

export function when(ms) {
  const moment = new Date(ms);
  return Number.isNaN(moment.getTime()) ? "–" : moment.toISOString().slice(5, 16).replace("T", " ");
}

export function whenInFull(ms) { return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`; }

export function span(ms) {
  const units = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1000]];
  const [name, size] = units.find(([, each]) => ms >= each && ms % each === 0) ?? ["s", 1000];
  return `${ms / size}${name}`;
}
