// The equity curve, in the page's own colours. Lightweight Charts comes from the installed package, not from a CDN.
import { money } from "./format.js";

const charts = window.LightweightCharts;

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

function theme() {
  return {
    layout: {
      background: { color: "transparent" }, textColor: colour("--muted"), fontSize: 11, attributionLogo: false,
      fontFamily: colour("--sans"),
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("--line") } },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.08 } },
    timeScale: { borderColor: colour("--line"), timeVisible: true, secondsVisible: false, rightOffset: 2, minBarSpacing: 0.05 },
    crosshair: { horzLine: { labelBackgroundColor: colour("--muted") }, vertLine: { labelBackgroundColor: colour("--muted") } },
  };
}

function area() {
  const line = colour("--accent");
  return { lineColor: line, topColor: `${line}38`, bottomColor: `${line}04`, lineWidth: 2, priceLineVisible: false };
}

// The axis is by points, not by time: live points come no closer together than those of the first view, or a fast
// replay would push its past off the left edge.
const POINTS = 1000;

export class EquityChart {
  #chart;
  #series;
  #data = [];
  #spacing = 0;
  #held = false; // a person has zoomed or scrolled: leave the range to them until a double click

  constructor(element) {
    this.#chart = charts.createChart(element, {
      ...theme(), autoSize: true, handleScroll: { vertTouchDrag: false }, localization: { locale: "en-GB", priceFormatter: (value) => money(value) },
    });
    this.#series = this.#chart.addSeries(charts.AreaSeries, area());
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
      this.#chart.applyOptions(theme());
      this.#series.applyOptions(area());
    });
    for (const kind of ["wheel", "pointerdown"]) element.addEventListener(kind, () => { this.#held = true; }, { passive: true });
    element.addEventListener("dblclick", () => { this.#held = false; this.#fit(); });
  }

  replace(points) {
    const byTime = new Map(points.map((p) => [Math.floor(p.ts_ms / 1000), Number(p.equity)]));
    this.#show([...byTime].sort(([a], [b]) => a - b).map(([time, value]) => ({ time, value })));
  }

  add(point) {
    const time = Math.floor(point.ts_ms / 1000);
    const value = Number(point.equity);
    const last = this.#data.at(-1);
    if (last && time < last.time) return;
    if (last && time - last.time < this.#spacing) last.value = value;
    else this.#data.push({ time, value });
    if (this.#data.length > 2 * POINTS) this.#show(this.#data.filter((_, n, all) => n % 2 === 0 || n === all.length - 1));
    else this.#series.update(this.#data.at(-1));
    this.#fit();
  }

  #show(data) {
    this.#data = data;
    const span = data.length > 1 ? data.at(-1).time - data[0].time : 0;
    this.#spacing = data.length >= POINTS / 2 ? span / data.length : 0;
    this.#series.setData(data);
    this.#fit();
  }

  #fit() {
    if (!this.#held) this.#chart.timeScale().fitContent();
  }
}
