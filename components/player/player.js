// Sound with the text beside it. Each rerun brings the rows of one page; only rows that differ are built again, and the
// audio element stays as it is unless the recording changes or its address has expired.

const instances = new WeakMap();

//: Words the recognizer gave less than this are marked, so that the eye finds what to check.
const UNSURE = 0.5;

export default function (component) {
  const { parentElement, data } = component;
  let player = instances.get(parentElement);
  if (!player) {
    player = new Player(parentElement);
    instances.set(parentElement, player);
  }
  player.update(data);
  return () => {
    player.audio.pause();
    instances.delete(parentElement);
  };
}

class Player {
  constructor(root) {
    this.audio = root.querySelector("audio");
    this.trouble = root.querySelector(".trouble");
    this.list = root.querySelector(".segments");
    this.subject = null;
    this.shown = [];
    this.starts = [];
    this.audio.ontimeupdate = () => this.mark();
    this.audio.onerror = () => this.failed();
    this.audio.onloadedmetadata = () => (this.trouble.hidden = true);
    this.list.onclick = (event) => {
      const target = event.composedPath().find((node) => node.dataset?.start !== undefined);
      if (target) this.playFrom(Number(target.dataset.start));
    };
  }

  update(data) {
    const fresh = data.source !== this.offered;
    this.offered = data.source;
    if (data.subject !== this.subject) {
      this.subject = data.subject;
      this.audio.src = data.source;
    } else if (fresh && this.audio.error) {
      this.resume(data.source);
    }
    this.list.setAttribute("aria-busy", String(Boolean(data.growing)));
    const rows = data.rows.map((row) => JSON.stringify([row, data.showWords]));
    rows.forEach((text, index) => {
      if (this.shown[index] === text) return;
      const built = build(data.rows[index], data.showWords);
      const old = this.list.children[index];
      if (old) old.replaceWith(built);
      else this.list.append(built);
    });
    while (this.list.children.length > rows.length) this.list.lastElementChild.remove();
    this.shown = rows;
    this.starts = data.rows.map((row) => row.start);
    this.mark();
  }

  // A new address for the same sound: go on where it stopped.
  resume(source) {
    const at = this.audio.currentTime;
    this.audio.src = source;
    this.audio.addEventListener("loadedmetadata", () => (this.audio.currentTime = at), { once: true });
  }

  playFrom(ms) {
    this.audio.currentTime = ms / 1000;
    this.audio.play().catch(() => this.failed());
  }

  mark() {
    const at = this.audio.currentTime * 1000;
    const started = this.audio.currentTime > 0 || !this.audio.paused;
    const now = started ? this.starts.findLastIndex((start) => start <= at) : -1;
    [...this.list.children].forEach((row, index) => {
      row.classList.toggle("now", index === now);
      if (index === now) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    });
  }

  failed() {
    if (!this.audio.error) return;
    const { MEDIA_ERR_NETWORK } = MediaError;
    this.trouble.textContent =
      this.audio.error.code === MEDIA_ERR_NETWORK
        ? "The sound stopped because the connection was lost. Reload the page to go on."
        : "This browser cannot play the sound of this file. Transcribing it works all the same.";
    this.trouble.hidden = false;
  }
}

function build(row, showWords) {
  const item = element("li");
  const time = element("button", "time", row.clock);
  time.type = "button";
  time.dataset.start = row.start;
  time.setAttribute("aria-label", `Play from ${row.clock}`);
  item.append(time, showWords && row.words.length ? wordButtons(row) : runningText(row));
  return item;
}

function runningText(row) {
  const text = element("p", "text");
  if (!row.words.length) text.textContent = row.text;
  for (const [word, start, end, probability, spaceBefore] of row.words) {
    const span = element("span", probability < UNSURE ? "unsure" : "", word);
    span.dataset.start = start;
    span.title = `${seconds(start)} to ${seconds(end)} · ${Math.round(100 * probability)} % sure`;
    if (spaceBefore && text.childNodes.length) text.append(" ");
    text.append(span);
  }
  return text;
}

function wordButtons(row) {
  const box = element("div", "words");
  for (const [word, start, end, probability] of row.words) {
    const button = element("button", "");
    button.type = "button";
    button.dataset.start = start;
    button.title = `${seconds(start)} to ${seconds(end)} · ${Math.round(100 * probability)} % sure`;
    button.append(element("span", probability < UNSURE ? "unsure" : "", word), element("small", "", seconds(start)));
    box.append(button);
  }
  return box;
}

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function seconds(ms) {
  const minutes = Math.floor(ms / 60000);
  return `${minutes}:${((ms % 60000) / 1000).toFixed(2).padStart(5, "0")}`;
}
