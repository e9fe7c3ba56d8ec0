// Streams files to the upload route, one after another, and shows how each is doing.
//
// The list lives in the page, not in Python: reruns come and go while files travel. Python hears of a file once it is
// in the library (the trigger "added").

const instances = new WeakMap();

const WAITING = "waiting", SENDING = "sending", READING = "reading", DONE = "done", FAILED = "failed";
//: Errors of the file itself: trying the same file again cannot help.
const HOPELESS = /^media/;
//: So many added files are listed one by one.
const ONE_BY_ONE = 3;
const LOST = "The connection was lost before the file was complete. Try again.";

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  let uploader = instances.get(parentElement);
  if (!uploader) {
    uploader = new Uploader(parentElement);
    instances.set(parentElement, uploader);
  }
  uploader.url = data.url;
  uploader.maxBytes = data.maxBytes;
  uploader.most = data.limit;
  uploader.added = (event) => setTriggerValue("added", event);
  uploader.showLimit();
  return () => {
    uploader.stop();
    instances.delete(parentElement);
  };
}

class Uploader {
  constructor(root) {
    this.files = [];
    this.folded = 0;
    this.current = null;
    this.summary = root.querySelector(".summary");
    this.summary.querySelector("button").onclick = () => this.unfold();
    this.list = root.querySelector(".files");
    this.announcer = root.querySelector(".announce");
    this.limit = root.querySelector(".limit");
    const drop = root.querySelector(".drop");
    const input = root.querySelector(".input");
    root.querySelector(".choose").onclick = () => input.click();
    input.onchange = () => {
      this.add(input.files);
      input.value = ""; // the same file can be chosen again
    };
    drop.ondragover = (event) => {
      event.preventDefault();
      drop.classList.add("over");
    };
    drop.ondragleave = (event) => {
      if (!drop.contains(event.relatedTarget)) drop.classList.remove("over");
    };
    drop.ondrop = (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this.add(event.dataTransfer.files);
    };
  }

  showLimit() {
    this.limit.textContent = `Up to ${this.most} each.`;
  }

  add(files) {
    for (const file of files) this.files.push(new Item(this, file));
    this.next();
  }

  next() {
    if (this.current) return;
    this.current = this.files.find((item) => item.state === WAITING) ?? null;
    this.current?.send();
  }

  finished(item) {
    if (this.current === item) this.current = null;
    this.next();
    this.fold();
  }

  // Files that simply came in become one line, so that what needs a look stays in view.
  fold() {
    const added = this.files.filter((item) => item.added);
    if (this.folded + added.length > ONE_BY_ONE) {
      for (const item of added) item.row.remove();
      this.files = this.files.filter((item) => !item.added);
      this.folded += added.length;
    }
    this.summary.hidden = !this.folded;
    this.summary.querySelector(".name").textContent = `${this.folded} files added`;
  }

  unfold() {
    this.folded = 0;
    this.fold();
  }

  remove(item) {
    this.files = this.files.filter((other) => other !== item);
    item.row.remove();
    this.finished(item);
  }

  say(text) {
    this.announcer.textContent = text;
  }

  stop() {
    for (const item of this.files) item.abort();
    this.files = [];
  }
}

class Item {
  constructor(uploader, file) {
    this.uploader = uploader;
    this.file = file;
    this.row = document.createElement("li");
    this.row.className = "file";
    this.name = this.part("span", "name", file.name);
    this.actions = this.part("span", "actions");
    this.message = this.part("span", "message");
    this.bar = this.part("progress", "bar");
    this.bar.max = 100;
    this.bar.setAttribute("aria-label", `Progress of ${file.name}`);
    this.row.title = file.name;
    uploader.list.append(this.row);
    this.show(WAITING, `Waiting · ${size(file.size)}`, 0);
  }

  part(tag, className, text = "") {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = text;
    this.row.append(element);
    return element;
  }

  show(state, message, percent = null) {
    const changed = this.state !== state;
    this.state = state;
    this.row.dataset.state = state;
    this.message.textContent = message;
    this.bar.hidden = state === DONE || state === FAILED;
    if (percent === null) this.bar.removeAttribute("value");
    else this.bar.value = percent;
    if (!changed) return;
    const buttons = {
      [WAITING]: [["Cancel", () => this.uploader.remove(this)]],
      [SENDING]: [["Cancel", () => this.cancel()]],
      [READING]: [["Cancel", () => this.cancel()]],
      [FAILED]: [
        ...(this.hopeless ? [] : [["Try again", () => this.retry()]]),
        ["Dismiss", () => this.uploader.remove(this)],
      ],
      [DONE]: [["Dismiss", () => this.uploader.remove(this)]],
    };
    this.actions.replaceChildren(...buttons[state].map(([label, act]) => this.button(label, act)));
    if (state !== WAITING) this.uploader.say(`${this.file.name}: ${message}`);
  }

  button(label, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-label", `${label}: ${this.file.name}`);
    button.onclick = act;
    return button;
  }

  send() {
    if (this.file.size === 0) return this.fail("This file is empty.", true);
    if (this.file.size > this.uploader.maxBytes) {
      return this.fail(`This file has ${size(this.file.size)}; at most ${this.uploader.most} can be added.`, true);
    }
    this.answer = null;
    this.read = 0;
    const request = (this.request = new XMLHttpRequest());
    const joint = this.uploader.url.includes("?") ? "&" : "?";
    request.open("POST", `${this.uploader.url}${joint}name=${encodeURIComponent(this.file.name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      const percent = event.total ? Math.round((100 * event.loaded) / event.total) : 0;
      this.show(SENDING, `Sending · ${percent} % of ${size(this.file.size)}`, percent);
    };
    request.upload.onload = () => this.show(READING, "Reading the audio");
    request.onprogress = () => this.take(request.responseText);
    request.onload = () => {
      this.take(request.responseText + "\n");
      this.conclude(request);
    };
    request.onerror = () => this.fail(LOST);
    this.show(SENDING, `Sending · 0 % of ${size(this.file.size)}`, 0);
    request.send(this.file);
  }

  // The answer is a JSON object per line; the last one has "result" or "error".
  take(text) {
    const end = text.lastIndexOf("\n") + 1;
    for (const line of text.slice(this.read, end).split("\n")) {
      if (line.trim()) this.line(line);
    }
    this.read = end;
  }

  line(text) {
    let report;
    try {
      report = JSON.parse(text);
    } catch {
      return; // not ours (a proxy's page, say): the status decides
    }
    if (report.result || report.error) this.answer = report;
    else if (report.stage === "Reading") {
      const known = report.total > 0;
      const percent = known ? Math.min(100, Math.round((100 * report.done) / report.total)) : null;
      this.show(READING, known ? `Reading the audio · ${percent} %` : "Reading the audio", percent);
    }
  }

  conclude(request) {
    const { result, error } = this.answer ?? {};
    if (error) return this.fail(error.message, HOPELESS.test(error.code));
    if (!result) {
      return this.fail(request.status < 400 ? LOST : `The server refused the file (answer ${request.status}).`);
    }
    this.added = !result.duplicate;
    this.show(DONE, result.duplicate ? `This project has this recording already, as “${result.name}”.` : "Added");
    this.uploader.added({
      recordingId: result.recording_id, name: result.name ?? this.file.name, duplicate: Boolean(result.duplicate),
    });
    this.uploader.finished(this);
  }

  fail(message, hopeless = false) {
    this.hopeless = hopeless;
    this.show(FAILED, message);
    this.uploader.finished(this);
  }

  retry() {
    this.show(WAITING, `Waiting · ${size(this.file.size)}`, 0);
    this.uploader.next();
  }

  cancel() {
    this.abort();
    this.uploader.remove(this);
  }

  abort() {
    this.request?.abort();
  }
}

function size(bytes) {
  for (const [unit, factor] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (bytes >= factor) return `${(bytes / factor).toFixed(unit === "kB" ? 0 : 1)} ${unit}`;
  }
  return `${bytes} bytes`;
}
