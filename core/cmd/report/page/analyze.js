/* analyze.js: the curves of the page of `fpcore analyze`: drawn as SVG from the JSON in the page, with legend, cross-hair
 * and values; and tables that sort. Asks for nothing from outside; without it the tables are still there. */
(function () {
    "use strict";
    var data = JSON.parse(document.getElementById("data").textContent);
    var runs = data.runs, NS = "http://www.w3.org/2000/svg";
    var DASH = ["", "7 3", "2 2", "9 3 2 3"], SHOWN = 6;
    var state = { on: runs.map(function (r, i) { return i < SHOWN; }), raw: true, train: runs.length <= 2, whole: false };
    var tip = document.getElementById("tip");

    /* A colour is a recipe: its seeds share it. */
    function color(i) { return "var(--c" + runs[i].recipe % 8 + ")"; }
    function dash(i) { return DASH[Math.floor(runs[i].recipe / 8) % 4]; }
    function siblings(i) {
        return runs.filter(function (r, k) { return state.on[k] && r.recipe === runs[i].recipe; });
    }

    function node(parent, name, attributes, text) {
        var n = document.createElementNS(NS, name);
        for (var k in attributes) n.setAttribute(k, attributes[k]);
        if (text !== undefined) n.textContent = text;
        if (parent) parent.appendChild(n);
        return n;
    }

    /* A mean of the `width` values around each, of fewer at the ends, as many on both sides, so that the line begins and
       ends where the points do; null is passed over. Short runs are shown as they are. */
    function smooth(v, width) {
        var half = v.length < 30 ? 0 : Math.floor(width / 2);
        return v.map(function (one, i) {
            var h = Math.min(half, i, v.length - 1 - i), sum = 0, n = 0;
            for (var j = i - h; j <= i + h; j++)
                if (v[j] !== null) { sum += v[j]; n++; }
            return n ? sum / n : null;
        });
    }

    function difference(a, b) {
        return a.map(function (x, i) { return x === null || b[i] === null ? null : x - b[i]; });
    }

    function missing(v) { return !v || v.every(function (x) { return x === null; }); }

    function prepare(r) {
        r.lines = {};
        if (!missing(r.val)) {
            r.lines.val = smooth(r.val, data.smooth);
            if (!missing(r.train)) {
                r.gap = difference(r.train, r.val);
                r.lines.gap = smooth(r.gap, data.smooth);
            }
        }
        if (!missing(r.val_loss)) r.lines.val_loss = smooth(r.val_loss, data.smooth);
    }

    function score(x) { return x === null || x === undefined ? "\u2013" : x.toFixed(4); }
    function rate(x) { return x === null || x === undefined ? "\u2013" : x === 0 ? "0" : x.toExponential(2); }

    var charts = [
        { id: "measure", wide: true, h: 330, zoom: true, raw: "val", curve: "val", train: "train", best: true, format: score },
        { id: "loss", h: 250, zoom: true, raw: "val_loss", curve: "val_loss", train: "train_loss", format: score },
        { id: "gap", h: 250, raw: "gap", curve: "gap", zero: true, format: score },
        { id: "rate", wide: true, h: 170, plain: "rate", zero: true, format: rate }
    ];

    function step(range, parts) {
        var p = Math.pow(10, Math.floor(Math.log(range / parts) / Math.LN10)), f = range / parts / p;
        return (f > 5 ? 10 : f > 2 ? 5 : f > 1 ? 2 : 1) * p;
    }

    function exponent(x) { return Math.floor(Math.log(x) / Math.LN10 + 1e-9); }

    function label(x, s) {
        if (x !== 0 && Math.abs(x) < 0.01 && s < 0.002) /* as many digits as two neighbours take to differ */
            return x.toExponential(Math.max(0, Math.min(6, exponent(Math.abs(x)) - exponent(s))));
        return x.toFixed(Math.max(0, Math.min(6, Math.ceil(-Math.log(s) / Math.LN10 - 1e-9))));
    }

    /* Lowest and highest of what is shown. The first epochs of a long run may lie outside of a score's or loss's chart:
       they would flatten the rest. */
    function bounds(c) {
        var lo = Infinity, hi = -Infinity;
        runs.forEach(function (r, i) {
            var skip = c.zoom && !state.whole && r.epochs >= 30 ? Math.max(15, r.epochs / 5) / r.stride : 0;
            if (!state.on[i]) return;
            [c.plain && r[c.plain], state.raw && c.raw && r[c.raw], c.curve && r.lines[c.curve],
                state.train && c.train && r[c.train]].forEach(function (v) {
                if (v) v.forEach(function (x, k) {
                    if (x === null || k < skip) return;
                    lo = Math.min(lo, x);
                    hi = Math.max(hi, x);
                });
            });
            if (c.best && r.best !== null) {
                lo = Math.min(lo, r.best);
                hi = Math.max(hi, r.best);
            }
        });
        if (lo > hi) return null;
        if (c.zero) { lo = Math.min(lo, 0); hi = Math.max(hi, 0); }
        if (hi === lo) { hi += Math.abs(hi) * 0.05 || 1; lo -= Math.abs(lo) * 0.05; }
        return { lo: lo - (c.zero && lo === 0 ? 0 : (hi - lo) * 0.04), hi: hi + (hi - lo) * 0.05 };
    }

    function line(v, stride, x, y) {
        var d = "", pen = false;
        v.forEach(function (one, i) {
            if (one === null) { pen = false; return; }
            d += (pen ? "L" : "M") + x(1 + i * stride).toFixed(1) + " " + y(one).toFixed(1);
            pen = true;
        });
        return d;
    }

    function axes(c, svg, x, y, w, top, b, last) {
        var s = step(b.hi - b.lo, c.h > 300 ? 8 : 5), e = Math.max(1, step(last, c.wide ? 14 : 7));
        for (var v = Math.ceil(b.lo / s) * s; v <= b.hi; v += s) {
            var zero = Math.abs(v) < s / 1e6;
            node(svg, "line", { x1: c.left, x2: w - 10, y1: y(v), y2: y(v), "class": c.zero && zero ? "axis" : "grid" });
            node(svg, "text", { x: c.left - 6, y: y(v) + 4, "text-anchor": "end" }, zero ? "0" : label(v, s));
        }
        for (var k = e; k <= last; k += e)
            node(svg, "text", { x: x(k), y: c.h - 6, "text-anchor": "middle" }, String(Math.round(k)));
        node(svg, "text", { x: c.left - 6, y: c.h - 6, "text-anchor": "end" }, "epoch");
    }

    /* Of the seeds of a recipe, as far as all of them have values. */
    function mean(seeds, c) {
        var all = seeds.map(function (r) { return r.stride === seeds[0].stride && (c.plain ? r[c.plain] : r.lines[c.curve]); });
        if (!all.every(function (v) { return v; })) return null;
        return all[0].slice(0, Math.min.apply(null, all.map(function (v) { return v.length; }))).map(function (x, k) {
            var sum = 0;
            for (var j = 0; j < all.length; j++) {
                if (all[j][k] === null) return null;
                sum += all[j][k];
            }
            return sum / all.length;
        });
    }

    function draw(c) {
        var figure = c.figure, svg = figure.querySelector("svg"), w = figure.clientWidth - 16, b = bounds(c), last = 1;
        svg.textContent = "";
        figure.style.display = b ? "" : "none";
        if (!b) return;
        runs.forEach(function (r, i) { if (state.on[i]) last = Math.max(last, r.epochs); });
        c.left = 58;
        svg.setAttribute("viewBox", "0 0 " + w + " " + c.h);
        c.x = function (e) { return c.left + (w - 10 - c.left) * (last > 1 ? (e - 1) / (last - 1) : 0.5); };
        c.y = function (v) { return 8 + (c.h - 30) * (1 - (v - b.lo) / (b.hi - b.lo)); };
        c.last = last;
        axes(c, svg, c.x, c.y, w, 8, b, last);
        var clip = "clip-" + c.id, area = node(node(svg, "clipPath", { id: clip }), "rect",
            { x: c.left, y: 4, width: Math.max(1, w - 6 - c.left), height: c.h - 24 });
        area = node(svg, "g", { "clip-path": "url(#" + clip + ")" });
        runs.forEach(function (r, i) {
            if (!state.on[i]) return;
            var stroke = { stroke: color(i), "stroke-dasharray": dash(i) };
            r.restarts.forEach(function (e) {
                node(area, "line", { x1: c.x(e + 0.5), x2: c.x(e + 0.5), y1: 4, y2: c.h - 22, "class": "restart",
                    stroke: color(i) });
            });
            if (state.raw && c.raw && r[c.raw])
                node(area, "path", { d: line(r[c.raw], r.stride, c.x, c.y), "class": "raw", stroke: color(i) });
            if (state.train && c.train && r[c.train])
                node(area, "path", { d: line(r[c.train], r.stride, c.x, c.y), "class": "train", stroke: color(i) });
            var v = c.plain ? r[c.plain] : r.lines[c.curve];
            if (v) node(area, "path", { d: line(v, r.stride, c.x, c.y), stroke: stroke.stroke,
                "class": siblings(i).length > 1 ? "curve seed" : "curve", "stroke-dasharray": stroke["stroke-dasharray"] });
        });
        runs.forEach(function (r, i) {
            var seeds = siblings(i), v = seeds.length > 1 && seeds[0] === r && mean(seeds, c);
            if (state.on[i] && v)
                node(area, "path", { d: line(v, r.stride, c.x, c.y), "class": "curve mean", stroke: color(i),
                    "stroke-dasharray": dash(i) });
        });
        if (c.best) runs.forEach(function (r, i) {
            if (!state.on[i] || r.best === null) return;
            node(svg, "circle", { cx: c.x(r.best_epoch), cy: c.y(r.best), r: 4.5, fill: color(i),
                stroke: "var(--card)", "stroke-width": 1.5 });
        });
        c.cross = node(svg, "line", { "class": "cross", y1: 4, y2: c.h - 22, visibility: "hidden" });
    }

    function redraw() { charts.forEach(draw); }

    function values(c, epoch) {
        var rows = [];
        runs.forEach(function (r, i) {
            var k = Math.round((epoch - 1) / r.stride), v = r[c.plain || c.raw];
            if (!state.on[i] || !v || k >= v.length) return;
            rows.push({ i: i, run: r, value: v[k], line: c.plain ? null : r.lines[c.curve][k],
                train: c.train && r[c.train] ? r[c.train][k] : null });
        });
        return rows.sort(function (a, b) { return (b.value === null ? -1e9 : b.value) - (a.value === null ? -1e9 : a.value); });
    }

    function cell(row, text) {
        var td = document.createElement("td");
        td.textContent = text;
        row.appendChild(td);
        return td;
    }

    function show(c, event) {
        var box = c.figure.querySelector("svg").getBoundingClientRect();
        var f = (event.clientX - box.left - c.left) / (box.width - 10 - c.left);
        var epoch = Math.round(1 + f * (c.last - 1));
        if (epoch < 1 || epoch > c.last) { hide(); return; }
        charts.forEach(function (other) {
            if (!other.cross) return;
            var inside = epoch <= other.last;
            other.cross.setAttribute("visibility", inside ? "visible" : "hidden");
            if (!inside) return;
            other.cross.setAttribute("x1", other.x(epoch));
            other.cross.setAttribute("x2", other.x(epoch));
        });
        tip.textContent = "";
        var head = document.createElement("b"), table = document.createElement("table");
        head.textContent = "epoch " + epoch;
        tip.appendChild(head);
        values(c, epoch).slice(0, 14).forEach(function (v) {
            var row = document.createElement("tr"), key = cell(row, "\u25cf ");
            key.style.color = color(v.i);
            cell(row, v.run.label);
            cell(row, c.format(v.value)).style.fontWeight = "600";
            if (v.line !== null) cell(row, "smoothed " + c.format(v.line));
            if (v.train !== null) cell(row, "train " + c.format(v.train));
            table.appendChild(row);
        });
        tip.appendChild(table);
        tip.style.display = "block";
        tip.style.left = Math.max(4, event.clientX + 16 + tip.offsetWidth > window.innerWidth ?
            event.clientX - 14 - tip.offsetWidth : event.clientX + 16) + "px";
        tip.style.top = Math.max(4, Math.min(event.clientY + 12, window.innerHeight - tip.offsetHeight - 8)) + "px";
    }

    function hide() {
        tip.style.display = "none";
        charts.forEach(function (c) { if (c.cross) c.cross.setAttribute("visibility", "hidden"); });
    }

    function chip(parent, text, key, pressed, action) {
        var b = document.createElement("button");
        b.className = "chip";
        b.type = "button";
        b.setAttribute("aria-pressed", String(pressed));
        if (key) b.appendChild(key);
        b.appendChild(document.createTextNode(text));
        b.addEventListener("click", function () { action(b); redraw(); });
        parent.appendChild(b);
        return b;
    }

    function toggle(name) {
        return function (b) {
            state[name] = !state[name];
            b.setAttribute("aria-pressed", String(state[name]));
        };
    }

    function legend() {
        var box = document.getElementById("legend"), chips = [];
        runs.forEach(function (r, i) {
            var key = node(null, "svg", { width: 20, height: 10 });
            node(key, "line", { x1: 0, x2: 20, y1: 5, y2: 5, stroke: color(i), "stroke-width": 2.5,
                "stroke-dasharray": dash(i) });
            chips.push(chip(box, r.label, key, state.on[i], function (b) {
                state.on[i] = !state.on[i];
                b.setAttribute("aria-pressed", String(state.on[i]));
            }));
        });
        if (runs.length > 2)
            [["all", true], ["none", false]].forEach(function (what) {
                chip(box, what[0], null, true, function () {
                    state.on = runs.map(function () { return what[1]; });
                    chips.forEach(function (b) { b.setAttribute("aria-pressed", String(what[1])); });
                });
            });
        chip(box, "single epochs", null, state.raw, toggle("raw"));
        chip(box, "training", null, state.train, toggle("train"));
        chip(box, "whole range", null, state.whole, toggle("whole"));
    }

    /* data-v holds a cell's number; text sorts as text, what is missing last. */
    function sort(table, column, th) {
        var body = table.tBodies[0], down = !th.classList.contains("down");
        var rows = Array.prototype.slice.call(body.rows);
        Array.prototype.forEach.call(table.tHead.rows[0].cells, function (h) { h.classList.remove("up", "down"); });
        th.classList.add(down ? "down" : "up");
        rows.sort(function (a, b) {
            var x = a.cells[column], y = b.cells[column], xv = x.getAttribute("data-v"), yv = y.getAttribute("data-v");
            if (xv === null || yv === null) {
                if (x.classList.contains("text")) return (down ? -1 : 1) * y.textContent.localeCompare(x.textContent);
                return (xv === null) - (yv === null);
            }
            return (down ? 1 : -1) * (Number(yv) - Number(xv));
        });
        rows.forEach(function (r) { body.appendChild(r); });
    }

    Array.prototype.forEach.call(document.querySelectorAll("table.sortable"), function (table) {
        Array.prototype.forEach.call(table.tHead.rows[0].cells, function (th, i) {
            th.tabIndex = 0;
            th.addEventListener("click", function () { sort(table, i, th); });
            th.addEventListener("keydown", function (e) { if (e.key === "Enter") sort(table, i, th); });
        });
    });
    runs.forEach(prepare);
    charts = charts.filter(function (c) { return (c.figure = document.getElementById("chart-" + c.id)); });
    charts.forEach(function (c) {
        var svg = c.figure.querySelector("svg");
        svg.addEventListener("mousemove", function (e) { show(c, e); });
        svg.addEventListener("mouseleave", hide);
    });
    legend();
    redraw();
    var wait;
    window.addEventListener("resize", function () { clearTimeout(wait); wait = setTimeout(redraw, 100); });
}());
