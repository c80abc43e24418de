// The page of dondoc: the province, its levels and every unit, all from one position of the ledger.
// Data reaches the page as text only (textContent), and every comparison is one of integers.
"use strict";

const LEVELS = {
  PROVINCE: { order: 0, many: "Sở, ban, ngành", one: "Tỉnh" },
  DISTRICT: { order: 1, many: "Huyện, thành phố", one: "Huyện" },
  COMMUNE: { order: 2, many: "Xã, phường, thị trấn", one: "Xã" },
};
const VERDICTS = {
  reached: { order: 0, sign: "✓", text: "Đạt" },
  below: { order: 1, sign: "✕", text: "Chưa đạt" },
  no_dossiers: { order: 2, sign: "–", text: "Không phát sinh hồ sơ" },
  no_data: { order: 3, sign: "?", text: "Chưa có số liệu" },
};
const BASES = {
  PARTIAL_DOSSIERS: "số liệu chưa đủ kỳ",
  STATEMENT: "theo số khai báo",
};
const CHANNELS = { UNKNOWN: "chưa rõ kênh", COUNTER: "trực tiếp", ONLINE: "trực tuyến", POSTAL: "bưu chính công ích" };
const STATUSES = {
  UNKNOWN: "chưa rõ", NEW: "mới đăng ký", RECEIVED: "được tiếp nhận", REFUSED: "không được tiếp nhận",
  PROCESSING: "đang xử lý", SUPPLEMENT_REQUIRED: "yêu cầu bổ sung giấy tờ",
  PAYMENT_REQUIRED: "yêu cầu thực hiện nghĩa vụ tài chính", WITHDRAWN: "công dân rút hồ sơ",
  STOPPED: "dừng xử lý", FINISHED: "đã xử lý xong", RETURNED: "đã trả kết quả",
};
// Of answers that are not 200; others show the server's own title.
const TITLES = {
  400: "Yêu cầu không hợp lệ", 404: "Không tìm thấy", 429: "Quá nhiều yêu cầu", 500: "Máy chủ gặp lỗi",
  503: "Dịch vụ chưa sẵn sàng, thử lại sau ít phút", 504: "Máy chủ trả lời quá chậm",
};
const ANSWER_MS_MAX = 60000;
const PAGE_SIZE = 1000;
const PAGES_MAX = 100;
const AGREE_ATTEMPTS_MAX = 3;

const collator = new Intl.Collator("vi", { numeric: true });
const $ = (id) => document.getElementById(id);

// What the address asks for; every field is in the query, so that a link shows the same to others.
let asked = {};
// Whether the window is the newest data's year because nobody chose another one.
let followsNewest = false;
// What is on the page: the answers, and what was asked to get them.
let shown = null;
let running = null;

// ---- Words and numbers ---------------------------------------------------------------------------

function el(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(options)) {
    if (key === "class") node.className = value;
    else if (key === "text") node.textContent = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

// "1234567" → "1.234.567", on the digits alone.
function grouped(value) {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ".");
}

function percentText(ratio) {
  return ratio.percent === undefined ? "—" : ratio.percent.replace(".", ",") + "\u00a0%";
}

function dayText(iso) {
  return iso ? iso.split("-").reverse().join("/") : "—";
}

// "5/1/2023" → "2023-01-05"; "" when there is no such day.
function isoDay(text) {
  const parts = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$/.exec(text.trim());
  if (!parts) return "";
  const iso = `${parts[3]}-${parts[2].padStart(2, "0")}-${parts[1].padStart(2, "0")}`;
  const day = new Date(iso + "T00:00:00Z");
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(iso) ? iso : "";
}

function instantText(instant, withSeconds) {
  const time = new Date(instant);
  if (Number.isNaN(time.getTime())) return "—";
  const parts = {};
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: "Asia/Ho_Chi_Minh", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
  });
  for (const part of format.formatToParts(time)) parts[part.type] = part.value;
  return `${parts.hour}:${parts.minute}${withSeconds ? ":" + parts.second : ""} ngày ` +
    `${parts.day}/${parts.month}/${parts.year}`;
}

// Lower case without accents: "Xã Đắk Hà" → "xa dak ha", "Ia H’Drai" → "ia hdrai".
function folded(text) {
  return text.normalize("NFD").replace(/[\u0300-\u036f'’ʼ‘`]/g, "").toLowerCase().replace(/đ/g, "d")
    .replace(/[^a-z0-9]+/g, " ").trim();
}

function targetText() {
  return `${asked.target_operator === "GT" ? "trên" : "từ"} ${asked.target_percent.replace(".", ",")}\u00a0%` +
    (asked.target_operator === "GT" ? "" : " trở lên");
}

// ---- The rules (design §4.5, §7), in integers --------------------------------------------------

// "33.5" → {p: 335n, q: 1000n}: the fraction that the target is.
function fraction(percent) {
  const [whole, decimals = ""] = percent.split(".");
  return { p: BigInt(whole + decimals), q: 100n * 10n ** BigInt(decimals.length) };
}

// Further dossiers that reach the target if all are online; null = no number is enough, or nothing is counted.
function missingOf(ratio, target, operator) {
  const total = BigInt(ratio.total);
  if (total === 0n) return null;
  const gap = target.p * total - target.q * BigInt(ratio.online);
  const reached = operator === "GT" ? gap < 0n : gap <= 0n;
  if (reached) return 0n;
  const step = target.q - target.p;
  if (step <= 0n) return null;
  return operator === "GT" ? gap / step + 1n : (gap + step - 1n) / step;
}

function verdictOf(ratio) {
  if (ratio.basis === "NONE") return "no_data";
  if (ratio.total === "0") return "no_dossiers";
  return ratio.reached ? "reached" : "below";
}

function compareCounts(one, other) {
  const difference = BigInt(one) - BigInt(other);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

// a/b against c/d as a·d against c·b.
function compareShares(one, other) {
  return compareCounts(BigInt(one.online) * BigInt(other.total), BigInt(other.online) * BigInt(one.total));
}

// Width of a bar, for the eye only.
function widthOf(ratio) {
  return ratio.total === "0" ? "0" : Number(BigInt(ratio.online) * 10000n / BigInt(ratio.total)) / 100 + "%";
}

// ---- The table of units --------------------------------------------------------------------------

// key: in `order_by`; compare: ascending; has: rows without go last; text: as the CSV has it.
const COLUMNS = [
  { key: "name", head: "Đơn vị", compare: (a, b) => collator.compare(a.name, b.name), text: (row) => row.name },
  { key: "percent", head: "Tỷ lệ", number: true, has: (row) => row.ratio.total !== "0",
    compare: (a, b) => compareShares(a.ratio, b.ratio), text: (row) => row.ratio.percent === undefined ? "" : percentText(row.ratio) },
  { key: "verdict", head: "Kết quả",
    compare: (a, b) => VERDICTS[a.verdict].order - VERDICTS[b.verdict].order,
    text: (row) => VERDICTS[row.verdict].text },
  { key: "missing", head: "Còn thiếu", number: true, has: (row) => row.missing !== null,
    compare: (a, b) => compareCounts(a.missing, b.missing), text: (row) => row.missing === null ? "" : String(row.missing) },
  ...[["online", "Trực tuyến"], ["counter", "Trực tiếp"], ["postal", "BCCI"], ["unknown", "Chưa rõ kênh"],
    ["total", "Tổng hồ sơ"]].map(([key, head]) => ({
    key, head, number: true, compare: (a, b) => compareCounts(a.ratio[key], b.ratio[key]), text: (row) => row.ratio[key] })),
  { key: "level", head: "Cấp",
    compare: (a, b) => levelOf(a.level).order - levelOf(b.level).order || collator.compare(a.parentName, b.parentName),
    text: (row) => levelOf(row.level).one },
];

function levelOf(level) {
  return LEVELS[level] || { order: 9, many: level, one: level };
}

function rowsOf(ratios) {
  const names = new Map(ratios.map((each) => [each.unit_id, each.name]));
  const target = fraction(asked.target_percent);
  return ratios.map((each) => {
    const parentName = names.get(each.parent_id) || "";
    return {
      ...each, parentName, verdict: verdictOf(each.ratio),
      missing: missingOf(each.ratio, target, asked.target_operator),
      words: folded(each.name), wordsWithParent: ` ${folded(each.name)} ${folded(parentName)}`,
    };
  });
}

// The phrase in the unit's own name; else the same without spaces ("Ia H' Drai"); else all its words in the name
// and its district's.
function found(rows, query) {
  const phrase = folded(query);
  const words = phrase.split(" ");
  const tests = [
    (row) => row.words.includes(phrase),
    (row) => row.words.replaceAll(" ", "").includes(words.join("")),
    (row) => words.every((word) => row.wordsWithParent.includes(" " + word)),
  ];
  for (const test of tests) if (rows.some(test)) return rows.filter(test);
  return [];
}

function visibleRows() {
  const rows = found(shown.rows, asked.q).filter((row) =>
    (!asked.level || row.level === asked.level) && (!asked.verdict || row.verdict === asked.verdict) &&
    (!asked.parent_id || row.parent_id === asked.parent_id || row.unit_id === asked.parent_id));
  const [key, direction] = asked.order_by.split(" ");
  const column = COLUMNS.find((each) => each.key === key);
  const sign = direction === "desc" ? -1 : 1;
  const has = column.has || (() => true);
  return rows.sort((a, b) => has(b) - has(a) || (has(a) ? sign * column.compare(a, b) : 0) ||
    collator.compare(a.name, b.name) || collator.compare(a.parentName, b.parentName) ||
    (a.unit_id < b.unit_id ? -1 : 1));
}

function bar(ratio) {
  const fill = el("div", { class: "fill" });
  const mark = el("div", { class: "mark" });
  fill.style.width = widthOf(ratio);
  mark.style.left = asked.target_percent + "%";
  return el("div", { class: "bar", "aria-hidden": "true" }, fill, mark);
}

function verdictNode(verdict) {
  const { sign, text } = VERDICTS[verdict];
  return el("span", { class: "verdict " + verdict }, el("span", { "aria-hidden": "true", text: sign + " " }), text);
}

function unitCell(row, column) {
  switch (column.key) {
    case "name": {
      const cell = el("th", { scope: "row", text: row.name });
      if (row.parentName) cell.append(el("span", { class: "sub", text: row.parentName }));
      return cell;
    }
    case "percent": {
      const cell = el("td", { class: "num share", text: percentText(row.ratio) });
      if (row.ratio.total !== "0") cell.append(bar(row.ratio));
      return cell;
    }
    case "verdict": {
      const cell = el("td", {}, verdictNode(row.verdict));
      if (BASES[row.ratio.basis]) cell.append(el("span", { class: "sub", text: BASES[row.ratio.basis] }));
      return cell;
    }
    case "missing": {
      const never = row.missing === null && row.verdict === "below";
      return el("td", { class: "num", text: never ? "không thể" : row.missing === null ? "—" : grouped(row.missing) });
    }
    default:
      return el("td", column.number ? { class: "num", text: grouped(column.text(row)) } : { text: column.text(row) });
  }
}

function drawUnits() {
  const rows = visibleRows();
  const [key, direction] = asked.order_by.split(" ");
  for (const head of $("units").querySelectorAll("thead th")) {
    if (head.dataset.key === key) head.setAttribute("aria-sort", direction === "desc" ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  $("units").tBodies[0].replaceChildren(...rows.map((row) =>
    el("tr", {}, ...COLUMNS.map((column) => unitCell(row, column)))));
  $("shown").textContent = `Đang hiện ${grouped(rows.length)} trong ${grouped(shown.rows.length)} đơn vị.`;
  $("units").hidden = rows.length === 0;
  $("empty").hidden = rows.length > 0;
  $("csv").disabled = rows.length === 0;
}

function sortBy(key) {
  const column = COLUMNS.find((each) => each.key === key);
  const [now, direction] = asked.order_by.split(" ");
  // Numbers are first wanted from the largest.
  const descending = now === key ? direction !== "desc" : Boolean(column.number);
  asked.order_by = key + (descending ? " desc" : "");
  writeAddress(false);
  drawUnits();
}

// ---- CSV -----------------------------------------------------------------------------------------

// A cell that begins so is a formula to a spreadsheet.
function csvCell(text) {
  const safe = /^\s*[=+\-@]/.test(text) ? "'" + text : text;
  return '"' + safe.replace(/"/g, '""') + '"';
}

function csvText() {
  const lines = [["STT", "Mã đơn vị", "Thuộc", ...COLUMNS.map((column) => column.head)]];
  visibleRows().forEach((row, index) =>
    lines.push([String(index + 1), row.unit_id, row.parentName, ...COLUMNS.map((column) => column.text(row))]));
  return "\ufeff" + lines.map((line) => line.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

function downloadCsv() {
  const url = URL.createObjectURL(new Blob([csvText()], { type: "text/csv;charset=utf-8" }));
  const { window, sequence } = shown.summary;
  el("a", { href: url, download: `ty-le-truc-tuyen_${window.from}_${window.to}_vi-tri-${sequence}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// ---- Province and levels -------------------------------------------------------------------------

function fillList(list, entries) {
  list.replaceChildren(...entries.flatMap(([term, value]) => [el("dt", { text: term }), el("dd", { text: value })]));
}

function drawProvince() {
  const { summary, freshness } = shown;
  const ratio = summary.overall;
  $("percent").textContent = percentText(ratio);
  $("percent-bar").style.width = widthOf(ratio);
  $("percent-target").style.left = asked.target_percent + "%";
  const verdict = verdictOf(ratio);
  const missing = missingOf(ratio, fraction(asked.target_percent), asked.target_operator);
  $("province-verdict").replaceChildren(verdictNode(verdict), ` Chỉ tiêu ${targetText()}.` +
    (missing ? ` Còn thiếu ${grouped(missing)} hồ sơ nếu tất cả đều trực tuyến.` : ""));
  fillList($("province-counts"), [
    ["Tổng hồ sơ", grouped(ratio.total)], ["Trực tuyến", grouped(ratio.online)],
    ["Trực tiếp", grouped(ratio.counter)], ["Bưu chính công ích", grouped(ratio.postal)],
    ["Chưa rõ kênh", grouped(ratio.unknown)]]);
  const window = `${dayText(summary.window.from)} – ${dayText(summary.window.to)}`;
  fillList($("facts"), [
    ["Kỳ tiếp nhận", window], ["Số liệu tính đến", dayText(freshness.last_covered_day) +
      (freshness.sequence === summary.sequence ? "" : ` (tại vị trí ${grouped(freshness.sequence)})`)],
    ["Vị trí sổ cái", grouped(summary.sequence)], ["Ghi lúc", instantText(summary.commit_time)]]);
  $("foot-position").textContent = `Kỳ ${window} · chỉ tiêu ${targetText()} · cách tính ${summary.definition_id} ` +
    `(bản ${summary.definition_version}) · vị trí ${summary.sequence} của sổ cái ${summary.ledger_id}`;
  $("beyond").hidden = !freshness.last_covered_day || summary.window.to <= freshness.last_covered_day;
  $("beyond").textContent = `Kỳ kéo dài đến ${dayText(summary.window.to)} nhưng số liệu mới có đến ` +
    `${dayText(freshness.last_covered_day)}: đơn vị chưa đủ số liệu được ghi rõ trong bảng.`;
}

function drawDefinition() {
  const { summary, definitions } = shown;
  const definition = definitions.find((each) =>
    each.definition_id === summary.definition_id && each.version === summary.definition_version);
  $("definition-name").textContent = definition ? definition.name : summary.definition_id;
  const list = (values, words) => values.map((value) => words[value] || value).join(", ") || "không có";
  fillList($("definition"), [
    ["Mã", `${summary.definition_id}, bản ${summary.definition_version}`],
    ...(definition ? [
      ["Tử số", list(definition.numerator_channels, CHANNELS)],
      ["Mẫu số", list(definition.denominator_channels, CHANNELS)],
      ["Không tính", list(definition.excluded_statuses, STATUSES)],
      ["Phạm vi", definition.only_online_services ? "chỉ thủ tục có dịch vụ công trực tuyến" : "mọi thủ tục"],
      ["Căn cứ", definition.legal_basis || "—"]] : [])]);
}

function levelRow(name, counts, ratio) {
  const number = (text) => el("td", { class: "num", text });
  return el("tr", {}, el("th", { scope: "row", text: name }),
    number(`${grouped(counts.reached)}/${grouped(counts.units)}`), number(percentText(ratio)),
    number(grouped(counts.below)), number(grouped(counts.no_dossiers)), number(grouped(counts.no_data)),
    number(grouped(ratio.online)), number(grouped(ratio.total)));
}

function drawLevels() {
  const { summary } = shown;
  const sums = {};
  for (const key of ["units", "reached", "below", "no_dossiers", "no_data"]) {
    sums[key] = summary.levels.reduce((sum, level) => sum + BigInt(level[key]), 0n);
  }
  $("levels").tBodies[0].replaceChildren(...summary.levels.map((level) =>
    levelRow(levelOf(level.level).many, level, level.ratio)));
  $("levels").tFoot.replaceChildren(levelRow("Toàn tỉnh", sums, summary.overall));
  const caption = `kỳ ${dayText(summary.window.from)} – ${dayText(summary.window.to)}, chỉ tiêu ${targetText()}`;
  $("levels-caption").textContent = `Số đơn vị đạt chỉ tiêu theo cấp, ${caption}`;
  $("units-caption").textContent = `Tỷ lệ hồ sơ trực tuyến của từng đơn vị, ${caption}`;
}

function fillSelect(select, entries, value) {
  select.replaceChildren(...entries.map(([key, text]) => el("option", { value: key, text })));
  select.value = entries.some(([key]) => key === value) ? value : "";
  return select.value;
}

function drawFilters() {
  const count = (test) => shown.rows.filter(test).length;
  const counted = (text, test) => `${text} (${grouped(count(test))})`;
  asked.level = fillSelect($("level"), [["", counted("Tất cả", () => true)], ...Object.entries(LEVELS).map(
    ([key, level]) => [key, counted(level.many, (row) => row.level === key)])], asked.level);
  asked.verdict = fillSelect($("verdict"), [["", "Tất cả"], ...Object.entries(VERDICTS).map(
    ([key, verdict]) => [key, counted(verdict.text, (row) => row.verdict === key)])], asked.verdict);
  const parents = new Set(shown.rows.map((row) => row.parent_id));
  const districts = shown.rows.filter((row) => parents.has(row.unit_id))
    .sort((a, b) => collator.compare(a.name, b.name)).map((row) => [row.unit_id, row.name]);
  asked.parent_id = fillSelect($("parent"), [["", "Tất cả"], ...districts], asked.parent_id);
  $("search").value = asked.q;
}

function draw() {
  drawProvince();
  drawDefinition();
  drawLevels();
  drawFilters();
  drawUnits();
  $("summary-json").href = shown.summaryUrl;
  $("ratios-json").href = shown.ratiosUrl;
  $("permalink").href = "?" + queryOf({ ...asked, as_of_sequence: shown.summary.sequence });
  $("pinned").hidden = !asked.as_of_sequence;
  $("pinned-sequence").textContent = asked.as_of_sequence;
}

// ---- The address ---------------------------------------------------------------------------------

const DEFAULTS = { from: "", to: "", target_percent: "50", target_operator: "GE", as_of_sequence: "",
  q: "", level: "", parent_id: "", verdict: "", order_by: "level" };

function queryOf(fields) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(fields)) if (value && value !== DEFAULTS[key]) query.set(key, value);
  return query.toString();
}

function readAddress() {
  followsNewest = false;
  const query = new URLSearchParams(location.search);
  asked = {};
  for (const [key, value] of Object.entries(DEFAULTS)) asked[key] = query.get(key) || value;
  if (!/^\d{1,3}(\.\d{1,6})?$/.test(asked.target_percent)) asked.target_percent = DEFAULTS.target_percent;
  if (asked.target_operator !== "GT") asked.target_operator = "GE";
  const [key, direction = ""] = asked.order_by.split(" ");
  if (!COLUMNS.some((column) => column.key === key) || !["", "desc"].includes(direction)) {
    asked.order_by = DEFAULTS.order_by;
  }
}

function writeAddress(asNewEntry) {
  const address = location.pathname + "?" + queryOf(asked);
  if (asNewEntry) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  if (shown) $("permalink").href = "?" + queryOf({ ...asked, as_of_sequence: shown.summary.sequence });
}

// ---- Loading -------------------------------------------------------------------------------------

class Problem extends Error {
  constructor(title, detail, requestId) {
    super(title);
    Object.assign(this, { title, detail, requestId });
  }
}

async function getJson(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal, headers: { Accept: "application/json" }, cache: "no-store" });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem("Không kết nối được tới máy chủ", "Kiểm tra mạng, hoặc dịch vụ có đang chạy không.", "");
  }
  let body = null;
  try {
    body = await response.json();
  } catch (error) {
    if (signal.aborted) throw error;
  }
  if (response.ok && body) return body;
  const problem = body || {};
  throw new Problem(TITLES[response.status] || problem.title || `HTTP ${response.status}`, problem.detail || "Máy chủ trả lời không đọc được.",
    problem.request_id || response.headers.get("x-request-id") || "");
}

async function getAllRatios(url, signal) {
  const ratios = [];
  let token = "";
  for (let page = 0; page < PAGES_MAX; ++page) {
    const answer = await getJson(url + (token ? "&page_token=" + encodeURIComponent(token) : ""), signal);
    ratios.push(...answer.ratios);
    token = answer.next_page_token;
    if (!token) break;
  }
  return ratios;
}

// The newest data's year, unless the address says otherwise.
function fillDefaults(freshness) {
  const today = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Ho_Chi_Minh" }).format(new Date());
  if (!asked.from && !asked.to) followsNewest = true;
  if (!asked.to) asked.to = freshness.last_covered_day || today;
  if (!asked.from) asked.from = asked.to.slice(0, 4) + "-01-01";
}

function fillPicker() {
  $("from").value = dayText(asked.from);
  $("to").value = dayText(asked.to);
  $("target").value = asked.target_percent.replace(".", ",");
  $("operator").value = asked.target_operator;
}

// The summary decides the position, and the units are asked at it. Freshness knows only the newest position: both
// are asked again when a write came between them, and the page says where they still differ.
async function fetchAll(signal) {
  let freshness;
  let summary;
  let question;
  for (let attempt = 0; attempt < AGREE_ATTEMPTS_MAX; ++attempt) {
    freshness = await getJson("/v1/freshness", signal);
    fillDefaults(freshness);
    fillPicker();
    question = queryOf({ from: asked.from, to: asked.to }) + "&target_percent=" + asked.target_percent +
      (asked.target_operator === "GT" ? "&target_operator=GT" : "");
    const pinned = asked.as_of_sequence ? "&as_of_sequence=" + encodeURIComponent(asked.as_of_sequence) : "";
    summary = await getJson("/v1/summary?" + question + pinned, signal);
    if (pinned || freshness.sequence === summary.sequence) break;
  }
  const position = question + "&as_of_sequence=" + summary.sequence;
  const ratiosUrl = `/v1/ratios?${position}&page_size=${PAGE_SIZE}`;
  const [ratios, definitions] = await Promise.all([getAllRatios(ratiosUrl, signal),
    getJson("/v1/definitions", signal).then((answer) => answer.definitions, () => [])]);
  return { freshness, summary, definitions, rows: rowsOf(ratios), ratiosUrl, summaryUrl: "/v1/summary?" + position };
}

function show(part) {
  $("loading").hidden = part !== "loading";
  $("error").hidden = part !== "error";
  $("no-data").hidden = part !== "no-data";
  $("content").hidden = $("foot").hidden = !shown;
  $("content").classList.toggle("busy", part === "loading" || part === "error");
  $("content").setAttribute("aria-busy", String(part === "loading"));
}

function showError(error) {
  $("error-title").textContent = error.title || "Trang gặp lỗi";
  $("error-detail").textContent = error.detail || String(error.message || error);
  $("error-request").textContent = error.requestId ? `Mã yêu cầu: ${error.requestId}` : "";
  show("error");
}

async function load() {
  if (running) running.abort();
  const own = running = new AbortController();
  const timer = setTimeout(() => own.abort(), ANSWER_MS_MAX);
  show("loading");
  try {
    const answers = await fetchAll(own.signal);
    if (own !== running) return;
    $("updated").textContent = "Cập nhật lúc " + instantText(new Date(), true);
    const empty = !answers.freshness.last_covered_day && answers.summary.overall.total === "0";
    shown = empty ? null : answers;
    if (shown) {
      writeAddress(false);
      draw();
    }
    show(empty ? "no-data" : "content");
  } catch (error) {
    if (own !== running) return;
    showError(own.signal.aborted
      ? new Problem("Máy chủ trả lời quá chậm", "Không có trả lời trong 60 giây.", "") : error);
  } finally {
    clearTimeout(timer);
  }
}

// ---- What the officer does -----------------------------------------------------------------------

function submitPicker(event) {
  event.preventDefault();
  const [from, to] = [isoDay($("from").value), isoDay($("to").value)];
  const target = $("target").value.trim().replace(",", ".");
  let fault = "";
  if (!from || !to) fault = "Ghi ngày đầu và ngày cuối của kỳ theo dạng ngày/tháng/năm, ví dụ 15/11/2023.";
  else if (from > to) fault = "Ngày đầu phải trước hoặc bằng ngày cuối của kỳ.";
  else if (!/^\d{1,3}(\.\d{1,6})?$/.test(target) || Number(target) > 100) {
    fault = "Chỉ tiêu là một số từ 0 đến 100, nhiều nhất 6 chữ số thập phân.";
  }
  $("picker-error").textContent = fault;
  $("picker-error").hidden = !fault;
  if (fault) return;
  if (from !== asked.from || to !== asked.to) followsNewest = false;
  Object.assign(asked, { from, to, target_percent: target, target_operator: $("operator").value });
  shown = null;
  writeAddress(true);
  load();
}

// The newest figures; of the newest window, unless one was chosen.
function refresh() {
  if (followsNewest) asked.from = asked.to = "";
  load();
}

function filterChanged() {
  Object.assign(asked, { q: $("search").value, level: $("level").value, parent_id: $("parent").value,
    verdict: $("verdict").value });
  writeAddress(false);
  drawUnits();
}

function clearFilters() {
  Object.assign(asked, { q: "", level: "", parent_id: "", verdict: "" });
  writeAddress(false);
  drawFilters();
  drawUnits();
  $("search").focus();
}

function start() {
  $("units").tHead.rows[0].append(...COLUMNS.map((column) => {
    const button = el("button", { type: "button", text: column.head });
    button.addEventListener("click", () => sortBy(column.key));
    return el("th", { scope: "col", "data-key": column.key, ...(column.number ? { class: "num" } : {}) }, button);
  }));
  $("picker").addEventListener("submit", submitPicker);
  for (const id of ["refresh", "retry", "no-data-refresh"]) $(id).addEventListener("click", refresh);
  $("unpin").addEventListener("click", () => {
    asked.as_of_sequence = "";
    writeAddress(true);
    load();
  });
  $("search").addEventListener("input", filterChanged);
  for (const id of ["level", "parent", "verdict"]) $(id).addEventListener("change", filterChanged);
  $("clear").addEventListener("click", clearFilters);
  $("csv").addEventListener("click", downloadCsv);
  $("print").addEventListener("click", () => window.print());
  window.addEventListener("popstate", () => {
    shown = null;
    readAddress();
    load();
  });
  readAddress();
  load();
}

start();
