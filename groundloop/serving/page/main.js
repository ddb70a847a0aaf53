// The page: a picture goes to the server, its detections come back and are drawn and counted.

import { colored, drawBoxes } from "./drawing.js";
import { detect, describe } from "./server.js";

const byId = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");

/** @type {{name: string, threshold: number, light: string, dark: string}[]} */
let classes = [];
/** What the server found on the picture; null before the first. */
let found = null;
/** One threshold for all classes; null for the operating thresholds. */
let threshold = null;
/** Answers that are older than the last picture are dropped. */
let asked = 0;

const thresholdOf = (classId) => threshold ?? classes[classId].threshold;

function render() {
  const counted = found ? found.annotations.filter((box) => box.score >= thresholdOf(box.class_id)) : [];
  byId("counts").replaceChildren(...classes.map((one, classId) => {
    const row = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    name.append(swatch(classId), one.name);
    const count = counted.filter((box) => box.class_id === classId).length;
    row.append(name, cell(thresholdOf(classId).toFixed(2)), cell(found ? count : "–"));
    return row;
  }));
  byId("total").textContent = found ? counted.length : "–";
  byId("threshold-text").textContent = threshold === null ? "" : threshold.toFixed(2);
  byId("operating").disabled = threshold === null;
  if (found) {
    drawBoxes(byId("overlay"), found.image_size[0], counted, classes);
  }
}

function cell(text) {
  const made = document.createElement("td");
  made.textContent = text;
  return made;
}

function swatch(classId) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  made.setAttribute("class", "swatch");
  made.setAttribute("viewBox", "0 0 12 12");
  made.setAttribute("aria-hidden", "true");
  const square = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ width: 12, height: 12, rx: 2, fill: colored(classes[classId], dark.matches) })) {
    square.setAttribute(name, value);
  }
  made.append(square);
  return made;
}

function say(text, isError = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("error", isError);
}

/** @param {File | undefined} file */
async function show(file) {
  if (!file) return;
  const number = ++asked;
  say(`Detecting on ${file.name || "the picture"} …`);
  const started = performance.now();
  let answer;
  try {
    answer = await detect(file);
  } catch (error) {
    if (number === asked) say(error.message, true);
    return;
  }
  if (number !== asked) return;
  const milliseconds = Math.round(performance.now() - started);
  found = answer;
  await showPicture(file, number);
  if (number !== asked) return;
  const { width, height } = found.image_size[0];
  byId("caption").textContent = `${file.name || "pasted picture"}, ${width} × ${height}, ${milliseconds} ms`;
  document.body.classList.add("shown");
  document.body.dataset.shown = file.name;
  byId("figure").hidden = false;
  render();
}

/** Shows the file itself; where the browser can't read its format, only the boxes are drawn. */
async function showPicture(file, number) {
  const picture = byId("picture");
  const address = URL.createObjectURL(file);
  const loaded = new Image();
  loaded.src = address;
  const readable = await loaded.decode().then(() => true, () => false);
  if (number !== asked) {
    URL.revokeObjectURL(address);
    return;
  }
  if (picture.src.startsWith("blob:")) URL.revokeObjectURL(picture.src);
  picture.hidden = !readable;
  byId("frame").classList.toggle("blank", !readable);
  if (readable) picture.src = address;
  else URL.revokeObjectURL(address);
  say(readable ? "" : "The browser can't show this format: the boxes are drawn without the picture.");
}

byId("file").addEventListener("change", () => {
  show(byId("file").files[0]);
  byId("file").value = ""; // so that the same file can be chosen again
});
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    if (kind === "drop" || !event.relatedTarget) document.body.classList.remove("over");
  });
}
document.addEventListener("drop", (event) => show(event.dataTransfer?.files[0]));
document.addEventListener("paste", (event) => show(event.clipboardData?.files[0]));
byId("threshold").addEventListener("input", () => {
  threshold = Number(byId("threshold").value);
  render();
});
byId("operating").addEventListener("click", () => {
  threshold = null;
  render();
});
dark.addEventListener("change", render);

try {
  const model = await describe();
  classes = model.classes;
  byId("name").textContent = model.name;
  document.title = model.name;
  const parts = [model.model_package, model.quantization, `${model.side} × ${model.side}`];
  byId("origin").textContent = parts.filter(Boolean).join(" · ");
  byId("threshold-note").textContent = model.thresholds_known
    ? "One for all classes. The operating thresholds are those of the evaluation."
    : "One for all classes. The file has no operating thresholds: 0.5 stands for them.";
  render();
} catch (error) {
  say(error.message, true);
}
