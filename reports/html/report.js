// The viewer of examples. adaplerStudies is in the page; the words are in examples/STUDY-N.js, which call adaplerChunk.
(function () {
"use strict";
var studies = window.adaplerStudies || [], LIST = 100, WORDS = 350;
var NAME = 0, GOLD = 1, PRED = 2, DENSE = 3, LENGTH = 4, KEPT = 5, MARKED = 6, APART = 7;
var state = { study: 0, chosen: [], at: 0, layer: 0, a: 0, b: -1, page: 0, numbers: false };
var $ = function (id) { return document.getElementById(id); };

// ---- words, loaded when they are needed ----
studies.forEach(function (s) { s.words = new Array(s.documents.length); s.loaded = 0; s.waiting = {}; s.first = []; });
function byId(id) { return studies.filter(function (s) { return s.id === id; })[0]; }
window.adaplerChunk = function (id, file, first, documents) {
	var s = byId(id);
	if (!s) return;
	documents.forEach(function (d, i) { s.words[first + i] = { words: d[0] === "" ? [] : d[0].split(" "), spans: d[1], masks: d[2] }; });
	s.first[file] = first;
	s.loaded++;
};
function loadFile(s, file, then) {
	if (s.waiting[file] === true) { then(); return; }
	if (s.waiting[file]) { s.waiting[file].push(then); return; }
	s.waiting[file] = [then];
	var script = document.createElement("script");
	script.src = "examples/" + s.id + "-" + file + ".js";
	script.onload = function () { var all = s.waiting[file]; s.waiting[file] = true; all.forEach(function (f) { f(); }); };
	script.onerror = function () { s.waiting[file] = undefined; $("facts").textContent = "cannot load " + script.src + ": is the folder examples/ beside this page?"; };
	document.head.appendChild(script);
}
// Files have documents in order, but how many only they know: halving finds the one.
function withDocument(s, index, then) {
	if (s.words[index]) { then(s.words[index]); return; }
	var low = 0, high = s.files - 1, i;
	for (i = 0; i < s.files; i++) if (s.first[i] !== undefined) { if (s.first[i] <= index) low = Math.max(low, i); else high = Math.min(high, i - 1); }
	if (s.waiting[low] === true && low < high) low++;
	var file = low + Math.min(high - low, Math.max(0, Math.floor((high - low + 1) * index / s.documents.length)));
	if (s.waiting[file] === true) { $("facts").textContent = "examples/" + s.id + "-" + file + ".js is not whole: write the report again"; return; }
	loadFile(s, file, function () { withDocument(s, index, then); });
}
function withAll(s, then) {
	var file = 0;
	(function next() { if (file < s.files) { $("list-place").textContent = "reading " + Math.round(100 * file / s.files) + " %"; loadFile(s, file++, next); } else then(); })();
}

// ---- the list ----
function study() { return studies[state.study]; }
function option(select, value, text) { var o = document.createElement("option"); o.value = value; o.textContent = text; select.appendChild(o); }
function fillSelect(id, first, texts) { var select = $(id); select.textContent = ""; if (first !== null) option(select, "", first); texts.forEach(function (t, i) { option(select, i, t); }); }
function label(c) { return c < 0 ? "unknown" : study().labels[c] || "class " + c; }
function verdict(d, unknown, right, wrong) { return d[GOLD] < 0 ? unknown : d[GOLD] === d[PRED] ? right : wrong; }
function number(id, otherwise) { var v = parseFloat($(id).value); return isNaN(v) ? otherwise : v; }
function isChosen(d, i, query) {
	var s = study(), outcome = $("outcome").value;
	if ($("gold").value !== "" && d[GOLD] !== +$("gold").value) return false;
	if ($("predicted").value !== "" && d[PRED] !== +$("predicted").value) return false;
	if (outcome === "right" && d[GOLD] !== d[PRED] || outcome === "wrong" && (d[GOLD] < 0 || d[GOLD] === d[PRED]) || outcome === "changed" && (d[DENSE] < 0 || d[PRED] === d[DENSE])) return false;
	if (d[KEPT] < number("kept-low", 0) || d[KEPT] > number("kept-high", 100)) return false;
	if (state.b >= 0 && d[APART][state.b] < number("disagreement", 0)) return false;
	if (query && d[NAME].toLowerCase().indexOf(query) < 0 && s.words[i].words.join(" ").toLowerCase().indexOf(query) < 0) return false;
	return true;
}
function choose() {
	var s = study(), query = $("search").value.trim().toLowerCase(), order = $("order").value, kept = state.chosen[state.at];
	if (query && s.loaded < s.files) { withAll(s, choose); return; }
	var all = [];
	s.documents.forEach(function (d, i) { if (isChosen(d, i, query)) all.push(i); });
	var by = { kept: function (d) { return d[KEPT]; }, length: function (d) { return -d[LENGTH]; }, disagreement: function (d) { return state.b < 0 ? 0 : -d[APART][state.b]; } }[order];
	if (by) all.sort(function (x, y) { return by(s.documents[x]) - by(s.documents[y]) || x - y; });
	state.chosen = all;
	state.at = Math.max(0, all.indexOf(kept));
	state.page = 0;
	show();
}
function showList() {
	var s = study(), list = $("list"), first = Math.floor(state.at / LIST) * LIST, end = Math.min(first + LIST, state.chosen.length);
	list.textContent = "";
	for (var i = first; i < end; i++) {
		var d = s.documents[state.chosen[i]], item = document.createElement("li"), name = document.createElement("span"), what = document.createElement("span");
		name.className = "name"; name.textContent = d[NAME] || "example " + state.chosen[i];
		what.className = "what";
		what.textContent = verdict(d, "", "✓ ", "✗ ") + label(d[PRED]) + ", " + d[LENGTH] + " words, " + d[KEPT] + " % kept";
		item.appendChild(name); item.appendChild(what);
		item.setAttribute("role", "option"); item.id = "item-" + i;
		item.setAttribute("aria-selected", i === state.at ? "true" : "false");
		item.dataset.at = i;
		list.appendChild(item);
	}
	list.setAttribute("aria-activedescendant", state.chosen.length ? "item-" + state.at : "");
	var here = $("item-" + state.at);
	if (here) { var top = here.offsetTop - list.offsetTop; if (top < list.scrollTop || top + here.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 3; }
	$("list-place").textContent = state.chosen.length ? (first + 1) + "–" + end + " of " + state.chosen.length + (state.chosen.length < s.documents.length ? " (all: " + s.documents.length + ")" : "") : "no example is like that";
	$("list-back").disabled = first === 0; $("list-on").disabled = end >= state.chosen.length;
}

// ---- the document ----
function layersOf(mask, i, digits) { var bits = []; for (var k = 0; k < digits; k++) { var d = parseInt(mask[i * digits + k], 16); for (var j = 0; j < 4; j++) bits.push(d >> j & 1); } return bits; }
function showMethod(w, m, marked, from, to) {
	var s = study(), digits = Math.ceil(s.layers / 4), box = document.createElement("section"), title = document.createElement("h4"), score = document.createElement("p"), words = document.createElement("p");
	var kept = 0, both = 0, people = 0, i;
	box.className = "method"; words.className = "words"; score.className = "score";
	title.textContent = s.methods[m];
	for (i = 0; i < w.words.length; i++) {
		var bits = layersOf(w.masks[m], i, digits), isKept = bits[state.layer], sum = bits.reduce(function (a, b) { return a + b; }, 0);
		kept += isKept; people += marked[i]; both += isKept && marked[i] ? 1 : 0;
		if (i < from || i >= to) continue;
		var span = document.createElement(isKept ? "mark" : "span");
		span.className = "w" + (isKept ? " k" : "") + (marked[i] ? " m" : "");
		span.textContent = w.words[i];
		span.title = (isKept ? "kept" : "dropped") + " at layer " + state.layer + (marked[i] ? ", marked by people" : "") + "; kept at " + sum + " of " + s.layers + " layers";
		if (state.numbers) { var sub = document.createElement("sub"); sub.textContent = sum; span.appendChild(sub); }
		words.appendChild(span); words.appendChild(document.createTextNode(" "));
	}
	var percent = function (a, b) { return b ? Math.round(100 * a / b) + " %" : "–"; };
	score.textContent = "keeps " + kept + " of " + w.words.length + "; " + both + " of them marked" + (people ? " (precision " + percent(both, kept) + ", recall " + percent(both, people) + ", false positives " + percent(kept - both, w.words.length - people) + ")" : "; people marked nothing here");
	box.appendChild(title); box.appendChild(score); box.appendChild(words);
	return box;
}
function showDocument() {
	var s = study(), index = state.chosen[state.at];
	$("methods").textContent = "";
	if (index === undefined) { $("name").textContent = ""; $("facts").textContent = "Nothing to show: loosen the filters."; $("pages").hidden = true; return; }
	var d = s.documents[index];
	$("name").textContent = d[NAME] || "example " + index;
	$("facts").textContent = "gold " + label(d[GOLD]) + ", adapted model says " + label(d[PRED]) + verdict(d, "", " (right)", " (wrong)") + (d[DENSE] >= 0 ? ", dense model says " + label(d[DENSE]) : "") + "; " + d[LENGTH] + " words, " + d[MARKED] + " % marked by people, " + d[KEPT] + " % kept at the last layer";
	withDocument(s, index, function (w) {
		if (state.chosen[state.at] !== index || study() !== s) return;
		var marked = w.words.map(function () { return 0; }), pages = Math.max(1, Math.ceil(w.words.length / WORDS)), from = state.page * WORDS;
		w.spans.forEach(function (span) { for (var i = span[0]; i < span[1] && i < marked.length; i++) marked[i] = 1; });
		$("methods").textContent = "";
		$("methods").appendChild(showMethod(w, state.a, marked, from, from + WORDS));
		if (state.b >= 0) $("methods").appendChild(showMethod(w, state.b, marked, from, from + WORDS));
		$("pages").hidden = pages < 2;
		$("page-place").textContent = "words " + (from + 1) + "–" + Math.min(from + WORDS, w.words.length) + " of " + w.words.length;
		$("page-back").disabled = state.page === 0; $("page-on").disabled = state.page >= pages - 1;
	});
}
function showLayers() {
	var box = $("layers"); box.textContent = "";
	for (var l = 0; l < study().layers; l++) {
		var b = document.createElement("button"); b.type = "button"; b.textContent = l; b.dataset.layer = l;
		b.setAttribute("aria-pressed", l === state.layer ? "true" : "false");
		box.appendChild(b); box.appendChild(document.createTextNode(" "));
	}
}
function show() { showList(); showLayers(); showDocument(); remember(); }
function remember() { try { history.replaceState(null, "", "#example=" + [study().id, state.chosen[state.at], state.layer, state.a, state.b].join("/")); } catch (e) { /* a page from a folder may not be allowed to */ } }

// ---- what people do ----
function clamp(v, low, high) { return Math.max(low, Math.min(high, v)); }
function go(step) { if (!state.chosen.length) return; state.at = clamp(state.at + step, 0, state.chosen.length - 1); state.page = 0; show(); }
function setLayer(l) { state.layer = clamp(l, 0, study().layers - 1); showLayers(); showDocument(); remember(); }
function turn(step) { var index = state.chosen[state.at]; if (index === undefined) return; var pages = Math.ceil(study().documents[index][LENGTH] / WORDS); state.page = clamp(state.page + step, 0, Math.max(0, pages - 1)); showDocument(); }
function setB(b) { state.b = b; $("method-b").value = b < 0 ? "" : b; choose(); }
function open(index) {
	var s;
	state.study = index; s = study();
	state.layer = s.layers - 1; state.a = s.reference; state.at = 0; state.chosen = [];
	$("study").value = index;
	fillSelect("gold", "any", s.labels); fillSelect("predicted", "any", s.labels);
	fillSelect("method-a", null, s.methods); fillSelect("method-b", "none", s.methods);
	state.b = s.methods.indexOf("attention received");
	if (state.b < 0) state.b = s.methods.length > 1 ? (s.reference ? 0 : 1) : -1;
	$("method-a").value = state.a; $("method-b").value = state.b < 0 ? "" : state.b;
}
function recall() {
	var m = /#example=([^/]*)\/(\d+)\/(\d+)\/(\d+)\/(-?\d+)/.exec(location.hash);
	var s = m && byId(m[1]);
	if (!s || !s.documents[+m[2]]) return false;
	open(studies.indexOf(s));
	state.layer = clamp(+m[3], 0, s.layers - 1); state.a = clamp(+m[4], 0, s.methods.length - 1); state.b = clamp(+m[5], -1, s.methods.length - 1);
	$("method-a").value = state.a; $("method-b").value = state.b < 0 ? "" : state.b;
	state.chosen = [+m[2]]; state.at = 0;
	return true;
}
function listen() {
	["gold", "predicted", "outcome", "kept-low", "kept-high", "disagreement", "order"].forEach(function (id) { $(id).addEventListener("change", choose); });
	var timer;
	$("search").addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(choose, 250); });
	$("study").addEventListener("change", function () { open(+this.value); choose(); });
	$("method-a").addEventListener("change", function () { state.a = +this.value; showDocument(); remember(); });
	$("method-b").addEventListener("change", function () { setB(this.value === "" ? -1 : +this.value); });
	$("numbers").addEventListener("change", function () { state.numbers = this.checked; showDocument(); });
	$("layers").addEventListener("click", function (e) { if (e.target.dataset.layer !== undefined) setLayer(+e.target.dataset.layer); });
	$("list").addEventListener("click", function (e) { var item = e.target.closest("li"); if (item) { state.at = +item.dataset.at; state.page = 0; show(); } });
	$("list").addEventListener("keydown", function (e) {
		var step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 }[e.key];
		if (step) { e.preventDefault(); go(step); }
	});
	$("list-back").addEventListener("click", function () { go(-LIST); });
	$("list-on").addEventListener("click", function () { go(LIST); });
	$("page-back").addEventListener("click", function () { turn(-1); });
	$("page-on").addEventListener("click", function () { turn(1); });
	$("all-again").addEventListener("click", function () { $("controls").reset(); $("study").value = state.study; choose(); });
	$("viewer").addEventListener("keydown", function (e) {
		if (e.ctrlKey || e.altKey || e.metaKey || /^(input|select|textarea)$/i.test(e.target.tagName)) return;
		var act = { j: function () { go(1); }, k: function () { go(-1); }, "]": function () { setLayer(state.layer + 1); }, "[": function () { setLayer(state.layer - 1); },
			".": function () { turn(1); }, ",": function () { turn(-1); }, n: function () { $("numbers").click(); },
			b: function () { setB(state.b + 1 < study().methods.length ? state.b + 1 : 0); }, "/": function () { $("search").focus(); } }[e.key];
		if (act) { e.preventDefault(); act(); }
	});
}
if (studies.length && $("viewer")) {
	studies.forEach(function (s, i) { option($("study"), i, s.title); });
	listen();
	$("viewer").addEventListener("pointerdown", function (e) { if (!e.target.closest("input, select, button, a, ol")) $("list").focus({ preventScroll: true }); });
	if (!recall()) open(0);
	choose();
}
})();
