"use strict";
// Draws the charts of the report from the JSON in #data. Texts reach the page as text only.
(() => {
  const charts = window.LightweightCharts;
  const data = JSON.parse(document.getElementById("data").textContent);
  const drawn = new Map();
  const light = matchMedia("(prefers-color-scheme: light)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const figure = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const amount = (value) => { const text = figure.format(value); return text === "-0.00" ? "0.00" : text.replace("-", "−"); };
  const share = (value) => `${amount(value * 100)} %`;
  const stamp = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

  function theme(intraday) {
    const label = { labelBackgroundColor: colour("--muted") };
    return {
      layout: { background: { color: "transparent" }, textColor: colour("--muted"), fontSize: 11, attributionLogo: false, fontFamily: colour("--sans") },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("--line") } },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.1, bottom: 0.08 } },
      timeScale: { borderColor: colour("--line"), timeVisible: intraday, secondsVisible: false, minBarSpacing: 0.02, rightOffset: 1 },
      crosshair: { mode: 0, horzLine: label, vertLine: label },
    };
  }

  function spaced(times) { return times.length < 2 || (times[times.length - 1] - times[0]) / (times.length - 1) < 86400; }

  function open(name, times, write) {
    const element = document.querySelector(`[data-chart="${name}"]`);
    const intraday = spaced(times);
    const chart = charts.createChart(element, {
      ...theme(intraday), autoSize: true,
      // the page scrolls under the wheel; the chart is dragged, pinched, or zoomed by its buttons
      handleScroll: { mouseWheel: false, vertTouchDrag: false }, handleScale: { mouseWheel: false },
      localization: { locale: "en-GB", priceFormatter: write },
    });
    drawn.set(name, { chart, element, intraday, count: Math.max(times.length, 2), paint: [] });
    return drawn.get(name);
  }

  // a line has one colour on every chart: that of its place among the equity lines
  const places = new Map(data.equity.lines.map((line, at) => [line.name, at]));
  const lineColour = (line) => { const at = places.get(line.name) || 0; return at === 0 ? "--accent" : `--l${(at - 1) % 9 + 1}`; };

  function legend(name, series, last) {
    const box = document.querySelector(`[data-legend="${name}"]`);
    series.forEach(({ line, at, api }) => {
      const button = document.createElement("button");
      const key = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const rule = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [attribute, value] of [["width", 16], ["height", at === 0 ? 4 : 3]]) rule.setAttribute(attribute, value);
      key.append(rule);
      key.setAttribute("aria-hidden", "true");
      drawn.get(name).paint.push(() => rule.setAttribute("fill", colour(lineColour(line))));
      const value = document.createElement("span");
      value.className = "num";
      const ends = line.values.filter((each) => each !== null);
      value.textContent = ends.length ? last(ends) : "";
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.append(key, document.createTextNode(line.name), value);
      button.addEventListener("click", () => {
        const shown = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(shown));
        api.applyOptions({ visible: shown });
      });
      box.append(button);
    });
  }

  // a little air at both ends, so that the axis does not cut its first and last label
  function fit({ chart, element, count }) {
    const air = count * 24 / Math.max(element.clientWidth - 80, 100);
    chart.timeScale().setVisibleLogicalRange({ from: -air, to: count - 1 + air });
  }

  function points(times, values, sign) {
    const found = [];
    values.forEach((value, at) => { if (value !== null) found.push({ time: times[at], value: sign * Number(value) }); });
    return found;
  }

  function lines(name, { times, lines: given }, write, last, sign, filled) {
    const held = open(name, times, write);
    // baselines first, so that the run is drawn over them
    const series = given.map((line, at) => ({ line, at })).reverse().map(({ line, at }) => {
      const own = at === 0;
      const kind = own && filled ? charts.AreaSeries : charts.LineSeries;
      const api = held.chart.addSeries(kind, { lineWidth: own ? 2 : 1, priceLineVisible: false, lastValueVisible: own, crosshairMarkerVisible: own });
      held.paint.push(() => {
        const ink = colour(lineColour(line));
        api.applyOptions(own && filled ? { lineColor: ink, topColor: `${ink}04`, bottomColor: `${ink}38`, invertFilledArea: true } : { color: ink });
      });
      api.setData(points(times, line.values, sign));
      return { line, at, api };
    }).reverse();
    legend(name, series, last);
    return held;
  }

  function told(mark) {
    const deals = mark.fills === 1 ? "" : `${mark.fills} fills, `;
    const found = [`${mark.side === "buy" ? "▲ bought" : "▼ sold"} ${deals}${mark.quantity} at ${amount(Number(mark.price))}`];
    if (mark.profit !== null) found.push(`profit ${Number(mark.profit) > 0 ? "+" : ""}${amount(Number(mark.profit))}`);
    return found;
  }

  function prices(name, given) {
    const times = given.candles.map((candle) => candle[0] / 1000);
    const last = given.candles.length ? given.candles[given.candles.length - 1][4] : 1;
    const precision = last >= 100 ? 2 : Math.min(10, Math.max(2, 4 - Math.floor(Math.log10(last))));
    const held = open(name, times, (value) => value.toLocaleString("en-US", { minimumFractionDigits: precision, maximumFractionDigits: precision }));
    const api = held.chart.addSeries(charts.CandlestickSeries, {
      borderVisible: false, priceLineVisible: false, priceFormat: { type: "price", precision, minMove: 10 ** -precision },
    });
    api.setData(given.candles.map(([at, o, h, l, c]) => ({ time: at / 1000, open: o, high: h, low: l, close: c })));
    const markers = charts.createSeriesMarkers(api, []);
    const note = document.querySelector(`[data-shown="${name}"]`);
    const show = () => {
      const few = given.marks.length <= MOST_MARKS;
      const chosen = few ? Object.assign([...given.marks], { all: given.marks.length }) : inView(held, times, given.marks);
      note.textContent = chosen.length < chosen.all ? `${chosen.length} of ${chosen.all} markers in view are shown, those of the largest profits and losses; zoom in for all` : "";
      markers.setMarkers(chosen.map((mark) => ({
        time: mark.ts_ms / 1000, position: mark.side === "buy" ? "belowBar" : "aboveBar", shape: mark.side === "buy" ? "arrowUp" : "arrowDown",
        color: colour(mark.side === "buy" ? "--accent" : "--warn"),
      })));
    };
    held.paint.push(() => {
      const [up, down] = [colour("--up"), colour("--down")];
      api.applyOptions({ upColor: `${up}90`, downColor: `${down}90`, wickUpColor: `${up}90`, wickDownColor: `${down}90` });
      show();
    });
    if (given.marks.length > MOST_MARKS) held.chart.timeScale().subscribeVisibleLogicalRangeChange(show);
    tips(held, given.marks);
    return held;
  }

  // more markers than these would hide the candles
  const MOST_MARKS = 160;

  // a purchase weighs what the next sale made of it, or only sales would be seen
  function weights(marks) {
    const found = new Map();
    let next = 0;
    for (const mark of [...marks].reverse()) {
      if (mark.profit !== null) next = Math.abs(Number(mark.profit));
      found.set(mark, next);
    }
    return found;
  }

  function inView({ chart }, times, marks) {
    const range = chart.timeScale().getVisibleLogicalRange();
    const [from, to] = range ? [times[Math.max(0, Math.floor(range.from))] ?? Infinity, times[Math.min(times.length - 1, Math.ceil(range.to))] ?? -Infinity] : [-Infinity, Infinity];
    const within = marks.filter((mark) => mark.ts_ms / 1000 >= from && mark.ts_ms / 1000 <= to);
    const weight = weights(marks);
    const chosen = within.length <= MOST_MARKS ? within
      : [...within].sort((a, b) => weight.get(b) - weight.get(a)).slice(0, MOST_MARKS).sort((a, b) => a.ts_ms - b.ts_ms);
    return Object.assign(chosen, { all: within.length });
  }

  function tips(held, marks) {
    const byTime = new Map();
    for (const mark of marks) byTime.set(mark.ts_ms / 1000, [...(byTime.get(mark.ts_ms / 1000) || []), mark]);
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    held.element.append(tip);
    held.chart.subscribeCrosshairMove((at) => {
      const found = at.time === undefined ? undefined : byTime.get(at.time);
      tip.hidden = !found || !at.point;
      if (tip.hidden) return;
      tip.replaceChildren(...[stamp(at.time), ...found.flatMap(told)].map((text) => {
        const line = document.createElement("p");
        line.textContent = text;
        return line;
      }));
      const left = at.point.x + 14 + tip.offsetWidth > held.element.clientWidth ? at.point.x - tip.offsetWidth - 14 : at.point.x + 14;
      tip.style.left = `${Math.max(0, left)}px`;
      tip.style.top = "8px";
    });
  }

  function tools(name, held) {
    const { chart } = held;
    const log = document.querySelector(`[data-log="${name}"]`);
    if (log) {
      log.addEventListener("click", () => {
        const on = log.getAttribute("aria-pressed") !== "true";
        log.setAttribute("aria-pressed", String(on));
        chart.priceScale("right").applyOptions({ mode: on ? 1 : 0 });
      });
    }
    const box = document.querySelector(`[data-zoom="${name}"]`);
    if (!box) return;
    const scaled = (factor) => () => {
      const range = chart.timeScale().getVisibleLogicalRange();
      if (!range) return;
      const [middle, half] = [(range.from + range.to) / 2, (range.to - range.from) / 2 * factor];
      chart.timeScale().setVisibleLogicalRange({ from: middle - half, to: middle + half });
    };
    const moved = (part) => () => {
      const range = chart.timeScale().getVisibleLogicalRange();
      if (!range) return;
      const step = (range.to - range.from) * part;
      chart.timeScale().setVisibleLogicalRange({ from: range.from + step, to: range.to + step });
    };
    const verbs = [["‹", "Earlier", moved(-0.5)], ["›", "Later", moved(0.5)], ["+", "Zoom in", scaled(0.5)], ["−", "Zoom out", scaled(2)], ["All", "Show all", () => fit(held)]];
    for (const [text, label, act] of verbs) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.setAttribute("aria-label", label);
      button.addEventListener("click", act);
      box.append(button);
    }
  }

  lines("equity", data.equity, amount, (ends) => amount(Number(ends[ends.length - 1])), 1, false);
  lines("drawdown", data.drawdown, share, (ends) => `deepest ${share(-ends.reduce((a, b) => Math.max(a, b), 0))}`, -1, true);
  data.prices.forEach((each, at) => prices(`prices-${at}`, each));
  const paint = () => drawn.forEach(({ chart, intraday, paint: all }) => { chart.applyOptions(theme(intraday)); all.forEach((one) => one()); });
  paint();
  for (const media of [light, matchMedia("print")]) media.addEventListener("change", paint);
  drawn.forEach((held, name) => { tools(name, held); fit(held); });
})();
