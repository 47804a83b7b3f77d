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
    timeScale: { borderColor: colour("--line"), timeVisible: true, secondsVisible: false, rightOffset: 2 },
    crosshair: { horzLine: { labelBackgroundColor: colour("--muted") }, vertLine: { labelBackgroundColor: colour("--muted") } },
  };
}

function area() {
  const line = colour("--accent");
  return { lineColor: line, topColor: `${line}38`, bottomColor: `${line}04`, lineWidth: 2, priceLineVisible: false };
}

export class EquityChart {
  #chart;
  #series;
  #last = 0;

  constructor(element) {
    this.#chart = charts.createChart(element, {
      ...theme(), autoSize: true, handleScroll: { vertTouchDrag: false }, localization: { locale: "en-GB", priceFormatter: (value) => money(value) },
    });
    this.#series = this.#chart.addSeries(charts.AreaSeries, area());
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => {
      this.#chart.applyOptions(theme());
      this.#series.applyOptions(area());
    });
  }

  replace(points) {
    const byTime = new Map(points.map((p) => [Math.floor(p.ts_ms / 1000), Number(p.equity)]));
    const data = [...byTime].sort(([a], [b]) => a - b).map(([time, value]) => ({ time, value }));
    this.#last = data.at(-1)?.time ?? 0;
    this.#series.setData(data);
    this.#chart.timeScale().fitContent();
  }

  add(point) {
    const time = Math.floor(point.ts_ms / 1000);
    if (time < this.#last) return;
    this.#last = time;
    this.#series.update({ time, value: Number(point.equity) });
  }
}
