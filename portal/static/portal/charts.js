// Draws the charts of a page from the data beside them. Every chart has its table: without this script nothing is lost.
(() => {
  "use strict";

  const holder = document.getElementById("chart-data");
  if (!holder || !window.echarts) return;
  const data = JSON.parse(holder.textContent);
  const blue = "#1664ff", grey = "#c9cdd4", orange = "#ff7d00", green = "#00b42a";
  const yuan = (fen) => "¥" + (fen / 100).toLocaleString("en", { maximumFractionDigits: 0 });
  const chinese = document.documentElement.lang.startsWith("zh");
  const short = (fen) => (chinese && fen >= 1e6 ? "¥" + (fen / 1e6).toLocaleString("en") + "万" : yuan(fen));
  const base = {
    animation: false,
    aria: { enabled: true },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 16, right: 24, top: 40, bottom: 16, containLabel: true },
    tooltip: { trigger: "axis", valueFormatter: yuan },
    legend: { top: 4, itemWidth: 12, itemHeight: 12 },
  };

  const drawn = {
    burn: ({ labels, spent, budget, forecast, words }) => ({
      ...base,
      xAxis: { type: "category", data: [...labels, words[2]], axisLabel: { hideOverlap: true } },
      yAxis: { type: "value", axisLabel: { formatter: short }, max: Math.max(budget, forecast, ...spent, 1) },
      series: [
        { name: words[0], type: "line", areaStyle: { opacity: 0.12 }, data: [...spent, null], color: blue },
        { name: words[1], type: "line", symbol: "none", lineStyle: { type: "dashed" }, data: [...spent, 0].map(() => budget), color: grey },
        { name: words[2], type: "line", lineStyle: { type: "dotted" }, data: [...spent.map((fen, at) => (at === spent.length - 1 ? fen : null)), forecast], color: orange },
      ],
    }),
    way: ({ labels, numbers }) => ({
      ...base,
      tooltip: { trigger: "axis" },
      legend: undefined,
      grid: { ...base.grid, top: 12 },
      xAxis: { type: "value", minInterval: 1 },
      yAxis: { type: "category", data: labels, inverse: true },
      series: [{ type: "bar", data: numbers, color: blue, barMaxWidth: 26, label: { show: true, position: "right" } }],
    }),
    reach: ({ labels, granted, redeemed, words }) => ({
      ...base,
      xAxis: { type: "category", data: labels },
      yAxis: { type: "value", axisLabel: { formatter: short } },
      series: [
        { name: words[0], type: "bar", data: granted, color: blue, barMaxWidth: 40 },
        { name: words[1], type: "bar", data: redeemed, color: green, barMaxWidth: 40 },
      ],
    }),
  };

  for (const place of document.querySelectorAll("[data-chart]")) {
    const chart = window.echarts.init(place, null, { renderer: "canvas" });
    chart.setOption(drawn[place.dataset.chart](data[place.dataset.chart]));
    new ResizeObserver(() => chart.resize()).observe(place);
  }
})();
