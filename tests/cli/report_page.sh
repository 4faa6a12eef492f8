# The report's page in a browser, opened from its folder: it loads without a complaint, examples are walked through, filtered and
# compared, and what is shown can be read by all.
for tool in chromium gnuplot; do
	command -v $tool >/dev/null || { echo "$tool is not installed (scripts/deps.sh tools)" >&2; exit 77; }
done
# The store is made by the release build: the models of the project are large for the other.
(cd "$PROJECT" && build/adapler rationale --model data/models/adapler-sst2 --data data/tiny/rationales --db "$OLDPWD/r.db" --steps 2 \
	--thresholds 0.2 --quiet >/dev/null && build/adapler sweep data/tiny/sweep.json --db "$OLDPWD/r.db" --quiet >/dev/null) || exit 1
"$ADAPLER" report --db r.db --out report --quiet || exit 1

cat >drive.js <<'END'
var said = [], faults = [];
window.onerror = function (message) { faults.push(message); };
function $(id) { return document.getElementById(id); }
function all(what) { return Array.prototype.slice.call(document.querySelectorAll(what)); }
function say(text) { said.push(text); }
function key(k) { $("list").dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true })); }
function set(id, value) { $(id).value = value; $(id).dispatchEvent(new Event("change", { bubbles: true })); }
function texts(what) { return all(what).map(function (x) { return x.textContent; }); }
function luminance(c) {
	var v = c.match(/[\d.]+/g).slice(0, 3).map(function (x) { x /= 255; return x <= 0.03928 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4); });
	return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2];
}
function ground(x) { for (; x; x = x.parentElement) { var c = getComputedStyle(x).backgroundColor; if (!/rgba\(.*, 0\)/.test(c)) return c; } return "rgb(255, 255, 255)"; }
function contrast(x) { var a = luminance(getComputedStyle(x).color), b = luminance(ground(x)); return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }
var steps = [
	function () { say("examples: " + all("#list li").length + ", first: " + $("name").textContent + ", words: " + texts(".method:first-child .w").join(" ")); },
	function () { say("kept at the last layer: " + texts(".method:first-child .w.k").join(" ") + "; marked: " + texts(".method:first-child .w.m").join(" ")); key("["); key("["); key("["); },
	function () { say("kept at layer " + texts("#layers [aria-pressed=true]") + ": " + texts(".method:first-child .w.k").join(" ")); key("]"); },
	function () { say("layer " + texts("#layers [aria-pressed=true]")); key("j"); key("j"); },
	function () { say("two on: " + $("name").textContent + ", selected: " + texts("#list [aria-selected=true] .name")); key("k"); },
	function () { say("one back: " + $("name").textContent); $("numbers").click(); },
	function () { say("numbers: " + all(".method:first-child .w sub").length); $("numbers").click(); set("method-b", ""); },
	function () { say("methods: " + texts(".method h4")); set("method-b", 5); },
	function () { say("methods: " + texts(".method h4")); set("outcome", "wrong"); },
	function () { say("wrong: " + $("list-place").textContent + ": " + texts("#list .what")); set("outcome", ""); set("gold", "1"); },
	function () { say("gold " + $("gold").selectedOptions[0].textContent + ": " + $("list-place").textContent); set("kept-high", "15"); },
	function () { say("kept 15 % or less: " + texts("#list .what").every(function (t) { return +/(\d+) % kept/.exec(t)[1] <= 15; }) + ", " + all("#list li").length); $("all-again").click(); },
	function () { say("again: " + $("list-place").textContent); $("search").value = "WITTY"; $("search").dispatchEvent(new Event("input")); },
	function () { say("search: " + $("list-place").textContent + ", " + $("name").textContent); $("search").value = "no such word"; $("search").dispatchEvent(new Event("input")); },
	function () { say("search: " + $("list-place").textContent + "; " + $("facts").textContent); $("all-again").click(); set("order", "kept"); },
	function () { var kept = texts("#list .what").map(function (t) { return +/(\d+) % kept/.exec(t)[1]; }); say("in order: " + kept.every(function (k, i) { return !i || kept[i - 1] <= k; })); $("list").dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true })); },
	function () { say("last: " + texts("#list [aria-selected=true]").length + " selected, " + $("list").getAttribute("aria-activedescendant") + "; address " + /#example=.*/.test(location.hash)); },
	function () {
		say("fields without a label: " + all("input, select").filter(function (x) { return !x.closest("label") && !x.getAttribute("aria-label"); }).length);
		say("pictures without words: " + all("img").filter(function (x) { return x.alt.length < 20 || !x.naturalWidth; }).length + " of " + all("img").length);
		say("too faint: " + all("p, td, th, .w, .what, .name, a, label, figcaption, h2, h3").filter(function (x) { return x.textContent.trim() && contrast(x) < 4.5; }).length);
		say("from elsewhere: " + performance.getEntriesByType("resource").filter(function (x) { return !/^(file|data):/.test(x.name); }).length);
		say("faults: " + (faults.join("; ") || "none"));
		var pre = document.createElement("pre"); pre.id = "said"; pre.textContent = said.join("\n"); document.body.textContent = ""; document.body.appendChild(pre);
	}];
function next() { var step = steps.shift(); if (step) { step(); setTimeout(next, 400); } }
window.onload = function () { setTimeout(next, 1200); };
END
awk 'FNR == NR { script = script $0 "\n"; next } /^<meta charset/ { print; printf "<script>\n%s</script>\n", script; next } { print }' \
	drive.js report/index.html >report/driven.html
browse() { chromium --headless --no-sandbox --disable-gpu --enable-logging=stderr --user-data-dir="$PWD/browser" "$@" 2>browser.log; }
browse --virtual-time-budget=30000 --dump-dom "file://$PWD/report/driven.html" >dom.html
sed -n '/<pre id="said">/,/<\/pre>/p' dom.html | sed 's/.*<pre id="said">//; s/<\/pre>.*//; s/&gt;/>/g; s/&lt;/</g; s/&amp;/\&/g'
echo "complaints: $(grep -c 'CONSOLE' browser.log)"
browse --print-to-pdf=page.pdf "file://$PWD/report/index.html" >/dev/null
head -c 4 page.pdf && echo ' printed'
exit 0
