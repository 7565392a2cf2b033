const most = { texts: 64, bytes: 6e5 }; // of a request; a code unit has up to 6
const SHOWN = 1000;
const $ = (id) => document.getElementById(id);
const hidden = new Set(), labels = [];
let lines = [], message = [], file = null, drawn, count, least, frame, total, encoding, token, running;
let chinese = navigator.language.startsWith("zh");
const t = (en, zh = en) => chinese ? zh : en;

// The same bytes as edgener --format html: see html_page.py.
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;" };
const escape = (text) => text.replace(/[&<>"\r\0\ud800-\udfff]/gu, (it) => ESCAPES[it] ?? "\ufffd");
const mark = (label, text, more = "") => {
  const number = labels.indexOf(label);
  return `<mark class="c${number % 6} u${number % 5}" data-label="${escape(label)}"${more}>${escape(text)}</mark>`;
};
const kept = (line) => line.entities.filter((it) => it.score >= least && !hidden.has(it.entity_group));
// Offsets count code points, not code units.
function runs(line) {
  const points = [...line.text], result = [];
  let end = 0;
  for (const it of kept(line)) {
    result.push([points.slice(end, it.start)], [points.slice(it.start, it.end), it]);
    end = it.end;
  }
  return [...result, [points.slice(end)]];
}
const paragraph = (line, index) => `<p data-line="${index + 1}">${runs(line).map(([points, it]) => {
  const text = points.join("");
  return it ? mark(it.entity_group, text, ` title="${it.score.toFixed(4)}"`) : escape(text);
}).join("")}</p>\n`;
const heading = () => file === null ? "" : `<h2>${escape(file)}</h2>\n`;

const FORMATS = {
  jsonl: () => lines.map((line, index) => JSON.stringify({
    ...(file !== null && { file }),
    line: index + 1,
    entities: kept(line).map((it) =>
      ({ start: it.start, end: it.end, label: it.entity_group, text: it.word, score: +it.score.toFixed(4) })),
  }) + "\n").join(""),
  conll: () => lines.map((line) => runs(line).flatMap(([points, it]) => points.map((point, index) =>
    `${/[\t\v\f\r\x1c-\x1f\x85\u2028\u2029]/.test(point) ? " " : point} ${it ? (index ? "I-" : "B-") + it.entity_group : "O"}\n`,
  )).join("") + "\n").join(""),
  html: async () => `<!doctype html>
<html lang="zh">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(file ?? "edgener")}</title>
<style>
${await (await fetch("page.css")).text()}</style>
<main>
<h1>edgener</h1>
${heading()}${lines.map(paragraph).join("")}</main>
`,
};

function show() {
  let paragraphs = "", rows = "";
  for (; drawn < lines.length; drawn++) {
    if (drawn < SHOWN) paragraphs += paragraph(lines[drawn], drawn);
    for (const it of kept(lines[drawn])) if (count++ < SHOWN)
      rows += `<tr><td>${drawn + 1}<td>${it.start}<td>${it.end}<td>${escape(it.entity_group)}<td lang=zh>${escape(it.word)}<td>${it.score.toFixed(4)}`;
  }
  $("marked").insertAdjacentHTML("beforeend", paragraphs);
  $("rows").insertAdjacentHTML("beforeend", rows);
  $("answers").hidden = !drawn;
  $("status").textContent = [
    t(...message),
    total && t(`${count} entities in ${drawn} of ${total} lines.`, `已处理 ${drawn} / ${total} 行，共 ${count} 个实体。`),
    encoding && t(`Read as ${encoding}.`, `编码：${encoding}。`),
    Math.max(drawn, count) > SHOWN && t(`Saved files hold all, the page ${SHOWN} lines.`, `此处只显示 ${SHOWN} 行，保存的文件包含全部。`),
  ].filter(Boolean).join(" ");
  $("progress").hidden = !running;
  $("progress").value = drawn / total || 0;
  $("find").textContent = running ? t("Stop", "停止") : t("Find entities", "识别实体");
}

function redraw() {
  frame = drawn = count = 0;
  least = +$("least").value;
  $("score").value = least.toFixed(2);
  $("marked").innerHTML = heading();
  $("rows").innerHTML = "";
  show();
}
const redrawSoon = () => frame ||= requestAnimationFrame(redraw);
const say = (...texts) => (message = texts, show());

function addLabels(names) {
  for (const name of names) if (!labels.includes(name)) {
    labels.push(name);
    $("types").insertAdjacentHTML("beforeend", `<label><input type=checkbox checked> ${mark(name, name)}</label>`);
    $("types").lastChild.onchange = () => (hidden.delete(name) || hidden.add(name), redrawSoon());
  }
}

const askToken = () => new Promise((done) => {
  const dialog = $("ask");
  dialog.returnValue = "";
  $("wrong").hidden = !token;
  dialog.onclose = () => done(dialog.returnValue && $("token").value);
  dialog.showModal();
});

async function ask(path, options) {
  for (;;) {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token.replace(/[^!-~]/g, "")}` }) };
    const answer = await fetch(path, { ...options, headers });
    if (answer.ok) return answer.json();
    const { error } = await answer.json().catch(() => ({}));
    if (answer.status === 401 && (token = await askToken())) continue;
    if ([429, 503].includes(answer.status)) {
      for (let left = Math.ceil(answer.headers.get("Retry-After")) || 1; left; left--) {
        options?.signal?.throwIfAborted();
        say(`Busy; the next try is in ${left} s.`, `服务繁忙，${left} 秒后重试。`);
        await new Promise((done) => setTimeout(done, 1000));
      }
      message = [];
    } else throw Error(error ?? answer.status);
  }
}

async function run(name, text, readAs) {
  running?.abort();
  const own = running = new AbortController(), { signal } = own;
  const texts = text.split(/\r?\n/);
  if (!texts.at(-1)) texts.pop();
  [file, encoding, lines, total, message] = [name, readAs, [], texts.length, []];
  redraw();
  try {
    await info;
    while (lines.length < total) {
      let size = 250;
      const inputs = texts.slice(lines.length, lines.length + most.texts)
        .filter((it, index) => (size += 6 * it.length) < most.bytes || !index);
      const found = await ask("v1/ner", { method: "POST", signal, body: JSON.stringify({ inputs }) });
      addLabels(found.flat().map((it) => it.entity_group));
      lines.push(...found.map((entities, index) => ({ text: inputs[index], entities })));
      show();
    }
  } catch (error) {
    if (running !== own) return;
    message = signal.aborted ? ["Stopped.", "已停止。"] : error.name === "TypeError" ? ["No answer.", "没有应答。"] : [error.message];
  }
  if (running === own) running = null;
  show();
}

async function read(chosen) {
  const content = await chosen?.arrayBuffer().catch(() => {});
  if (!content) return say("This file or folder cannot be read.", "无法读取该文件或文件夹。");
  for (const name of ["UTF-8", "GB18030"]) try {
    return run(chosen.name, new TextDecoder(name, { fatal: true }).decode(content), name);
  } catch {}
  say("The file is neither UTF-8 nor GB18030 text.", "文件不是 UTF-8 或 GB18030 文本。");
}

function translate() {
  document.documentElement.lang = t("en", "zh");
  $("language").lang = t("zh", "en");
  for (const it of document.querySelectorAll("[data-zh]")) [it.textContent, it.dataset.zh] = [it.dataset.zh, it.textContent];
  show();
}

$("form").onsubmit = (event) => {
  event.preventDefault();
  running ? running.abort() : run(null, $("text").value);
};
$("text").onkeydown = ({ key, ctrlKey, metaKey }) => {
  if (key === "Enter" && (ctrlKey || metaKey)) $("form").requestSubmit();
};
$("file").onchange = ({ target }) => (read(target.files[0]), target.value = "");
$("least").oninput = redrawSoon;
$("language").onclick = () => (chinese = !chinese, translate());
$("save").onclick = async ({ target: { dataset: { save } } }) => {
  if (!save) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([await FORMATS[save]()]));
  link.download = `${file ?? "edgener"}.${save}`;
  link.click();
  setTimeout(URL.revokeObjectURL, 6e4, link.href);
};
for (const name of ["dragover", "dragleave", "drop"]) addEventListener(name, (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.toggle("drop", name === "dragover");
  if (name === "drop") read(event.dataTransfer.files[0]);
});
if (chinese) translate();
redraw();
const info = ask("info").then(({ model, limits }) => {
  addLabels(model.labels);
  $("model").textContent = model.name;
  for (const it in most) most[it] = Math.min(most[it], limits[it]);
}, () => {});
