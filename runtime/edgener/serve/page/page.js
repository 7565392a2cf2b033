// Asks the service that the page came from.
const most = { texts: 64, bytes: 6e5 }; // of a request; a code unit has up to 6
const SHOWN = 1000;
const $ = (id) => document.getElementById(id);
const hidden = new Set(), labels = [];
let lines = [], total = 0, file = null, encoding = "", message = () => "", token = "", running = null;
let chinese = navigator.language.startsWith("zh");
const t = (en, zh) => chinese ? zh : en;

// The same bytes as edgener --format html: see html_page.py.
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;" };
const escape = (text) => `${text}`.replace(/[&<>"\r\0\ud800-\udfff]/gu, (it) => ESCAPES[it] ?? "\ufffd");
const mark = (label, text, more = "") => {
  const number = labels.indexOf(label);
  return `<mark class="c${number % 6} u${number % 5}" data-label="${escape(label)}"${more}>${escape(text)}</mark>`;
};
const kept = (line) => line.entities.filter((it) => it.score >= $("least").value && !hidden.has(it.entity_group));
// Offsets count code points: Array.from, not slice.
function runs(line) {
  const points = Array.from(line.text), result = [];
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
  const found = lines.flatMap((line, index) => kept(line).map((it) => [index + 1, it]));
  const n = found.length, done = lines.length;
  $("score").value = (+$("least").value).toFixed(2);
  $("answers").hidden = !done;
  $("marked").innerHTML = heading() + lines.slice(0, SHOWN).map(paragraph).join("");
  $("rows").innerHTML = found.slice(0, SHOWN).map(([line, it]) =>
    `<tr><td>${[line, it.start, it.end, it.entity_group, it.word, it.score.toFixed(4)].map(escape).join("<td>")}`).join("");
  $("status").textContent = [
    message(),
    total && t(`${n} entities in ${done} of ${total} lines.`, `已处理 ${done} / ${total} 行，共 ${n} 个实体。`),
    encoding && t(`Read as ${encoding}.`, `编码：${encoding}。`),
    Math.max(done, n) > SHOWN && t(`Saved files hold all, the page ${SHOWN} lines.`, `此处只显示 ${SHOWN} 行，保存的文件包含全部。`),
  ].filter(Boolean).join(" ");
  $("progress").hidden = !running;
  $("progress").value = done / (total || 1);
  $("find").textContent = running ? t("Stop", "停止") : t("Find entities", "识别实体");
}

function addLabels(names) {
  for (const name of names) if (!labels.includes(name)) {
    labels.push(name);
    $("types").insertAdjacentHTML("beforeend", `<label><input type="checkbox" checked> ${mark(name, name)}</label>`);
    $("types").lastChild.onchange = () => (hidden.delete(name) || hidden.add(name), show());
  }
}

const askToken = (error) => new Promise((done, fail) => {
  const dialog = $("ask");
  dialog.returnValue = "";
  dialog.onclose = () => dialog.returnValue ? done($("token").value) : fail(Error(error));
  dialog.showModal();
});

async function ask(path, options) {
  for (;;) {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const answer = await fetch(path, { ...options, headers });
    if (answer.ok) return answer.json();
    const { error } = await answer.json().catch(() => ({}));
    if (answer.status === 401) token = await askToken(error);
    else if ([429, 503].includes(answer.status)) {
      for (let left = Math.ceil(answer.headers.get("Retry-After")) || 1; left; left--) {
        options?.signal?.throwIfAborted();
        message = () => t(`Busy; the next try is in ${left} s.`, `服务繁忙，${left} 秒后重试。`);
        show();
        await new Promise((done) => setTimeout(done, 1000));
      }
      message = () => "";
    } else throw Error(error ?? answer.status);
  }
}

async function run(name, text, readAs = "") {
  running?.abort();
  const own = running = new AbortController(), { signal } = own;
  const texts = text.split(/\r?\n/);
  if (!texts.at(-1)) texts.pop();
  [file, encoding, lines, total, message] = [name, readAs, [], texts.length, () => ""];
  show();
  try {
    await info;
    while (lines.length < total) {
      let size = 250;
      const rest = texts.slice(lines.length, lines.length + most.texts);
      const inputs = rest.filter((it, index) => (size += 6 * it.length) < most.bytes || !index);
      const found = await ask("v1/ner", { method: "POST", signal, body: JSON.stringify({ inputs }) });
      addLabels(found.flat().map((it) => it.entity_group));
      lines.push(...found.map((entities, index) => ({ text: inputs[index], entities })));
      show();
    }
  } catch (error) {
    if (running !== own) return;
    message = () => (signal.aborted ? t("Stopped.", "已停止。") : error.name === "TypeError" ? t("No answer.", "没有应答。") : error.message);
  }
  if (running === own) running = null;
  show();
}

async function read(chosen) {
  for (const name of ["UTF-8", "GB18030"]) {
    try {
      return run(chosen.name, new TextDecoder(name, { fatal: true }).decode(await chosen.arrayBuffer()), name);
    } catch {}
  }
  message = () => t("The file is neither UTF-8 nor GB18030 text.", "文件不是 UTF-8 或 GB18030 文本。");
  show();
}

function translate() {
  document.documentElement.lang = t("en", "zh");
  for (const it of document.querySelectorAll("[data-zh]")) [it.textContent, it.dataset.zh] = [it.dataset.zh, it.textContent];
  show();
}

$("form").onsubmit = (event) => {
  event.preventDefault();
  running ? running.abort() : run(null, $("text").value);
};
$("text").onkeydown = (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("form").requestSubmit();
};
$("file").onchange = ({ target: { files } }) => files[0] && read(files[0]);
$("least").oninput = show;
$("language").onclick = () => (chinese = !chinese, translate());
for (const button of document.querySelectorAll("[data-save]")) {
  button.onclick = async () => {
    const link = document.createElement("a"), { save } = button.dataset;
    link.href = URL.createObjectURL(new Blob([await FORMATS[save]()]));
    link.download = `${file ?? "edgener"}.${save}`;
    link.click();
    setTimeout(URL.revokeObjectURL, 6e4, link.href);
  };
}
for (const name of ["dragover", "dragleave", "drop"]) {
  addEventListener(name, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.toggle("drop", name === "dragover");
    if (name === "drop") read(event.dataTransfer.files[0]);
  });
}
if (chinese) translate();
show();
const info = ask("info").then(({ model, limits }) => {
  addLabels(model.labels);
  $("model").textContent = model.name;
  for (const it in most) most[it] = Math.min(most[it], limits[it]);
}, () => {});
