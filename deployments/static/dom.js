// Elements and the small parts that several views share. Every text goes in as a text node: none can become markup.
const NAMES = {
  no_quorum: "no quorum", no_change: "no change", partially_filled: "part filled", cancel_pending: "cancelling",
  stop_loss: "stop", take_profit: "take profit", trailing_stop: "trailing", external: "other", asmbtr: "ASMBTR",
  grey_band: "close call", large_notional: "large order",
};

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== "") element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const word = (code) => NAMES[code] ?? code.replaceAll("_", " ");
export const chip = (code) => h("span", { class: `chip ${code}` }, word(code));

export function track(value, threshold) {
  const bar = h("span", { class: "track", "aria-hidden": "true" }, h("i"));
  bar.style.setProperty("--value", String(Math.max(0, Math.min(1, value))));
  if (threshold !== undefined) {
    bar.style.setProperty("--threshold", String(threshold));
    bar.append(h("b"));
  }
  return bar;
}
